// Signing the envelopes of an event log (DSSE v1), and checking all of a log under a trust file.
#pragma once

#include "engine/provenance/keys.hpp"
#include "engine/provenance/log.hpp"
#include "engine/provenance/statement.hpp"
#include "engine/provenance/trust.hpp"

#include <string>
#include <string_view>
#include <vector>

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

// What one line of a log is worth. Lines that hold no statement have no id: somebody else's, or damaged ones.
struct LineCheck {
  std::size_t line = 0;                  // counted from 1, without empty lines
  std::string id = {};
  std::string predicate_type = {};       // hostile text
  SignatureCheck signatures = {};
  const TrustedKey* voucher = nullptr;   // voucher()
  bool is_foreign = false;               // LogLine::is_foreign
  std::string problem = {};              // why the line is not understood
};
std::vector<LineCheck> check_lines(const Log& log, const Trust& trust);
// Whether a trusted key vouches for every statement; false for a log without any, with a damaged line, or with a signature of a
// pinned key that does not hold.
bool is_vouched_for(const std::vector<LineCheck>& lines);

}  // namespace heirloom::provenance
