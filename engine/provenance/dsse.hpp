// Signing envelopes (DSSE v1). Verification needs to know whom to trust: trust.hpp.
#pragma once

#include "engine/provenance/keys.hpp"
#include "engine/provenance/log.hpp"
#include "engine/provenance/statement.hpp"

namespace heirloom::provenance {

// Appends the key's signature, with its hint as key id. The payload, and so the event's id, stays.
Result<void> sign(const PrivateKey& key, Envelope& envelope);
// Whether a signature of the envelope names this key.
bool names_key(const Envelope& envelope, std::string_view hint);

struct SignedLines {
  std::size_t signed_now = 0;
  std::size_t already_signed = 0;   // by this key
  std::size_t signed_by_others = 0; // and left as they are
  std::size_t not_understood = 0;   // lines that hold no statement
};

// Signs each line of a log that holds a statement and no signature; with `countersigns` those that others signed, too.
// Other lines stay byte for byte.
Result<SignedLines> sign_lines(const PrivateKey& key, bool countersigns, Log& log);

}  // namespace heirloom::provenance
