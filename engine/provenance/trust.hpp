// The user's trust file: which keys and certificate authorities may vouch for which builders
// (formats/facts/provenance.md#trust-file), and what the signatures of an event are worth under it. Values.
#pragma once

#include "engine/provenance/keys.hpp"
#include "engine/provenance/statement.hpp"
#include "engine/provenance/x509.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::provenance {

inline constexpr std::uint64_t max_trust_bytes = 1u << 20;

struct TrustedKey {
  std::string name;                   // the user's word for it; proves nothing
  std::vector<std::string> builders;  // ids of builders that it may vouch for
  PublicKey key;
};

struct TrustedAuthority {
  std::string name;
  std::vector<std::string> builders;
  Certificate certificate;
};

struct Trust {
  std::vector<TrustedKey> keys;
  std::vector<TrustedAuthority> authorities;

  // The key with this hint, or null.
  const TrustedKey* find(std::string_view hint) const;
};

// Strict: an unknown member, a duplicate, or a hint that is not its key's is an error that names the entry.
Result<Trust> parse_trust(std::string_view text);
// Readable JSON with a final line end.
std::string encode(const Trust& trust);

// What the signatures of one envelope are worth. Pointers are into the trust that was given.
struct SignatureCheck {
  std::vector<const TrustedKey*> signers;  // pinned keys whose signature verifies
  std::vector<std::string> unknown;        // key ids ("" where none is said) that no pinned key verifies
  // Hints of pinned keys that a signature names, but that did not sign this payload: the payload or the signature was
  // changed, or somebody claims the key. A mismatch, whatever else verifies.
  std::vector<std::string> broken;

  bool is_signed() const { return !signers.empty() && broken.empty(); }
};

// A signature is tried with the pinned key that it names; when it names none that is pinned, with every pinned key.
SignatureCheck verify_signatures(const Envelope& envelope, const Trust& trust);

// The id of the builder of an event (SLSA provenance), "" for other statements.
std::string builder_of(const Statement& statement);
// Whether the entry may vouch for the statement: the builder is among its builders. Statements without a builder (lineage,
// run) need none.
bool may_vouch(const std::vector<std::string>& builders, const Statement& statement);
// The first signer that may vouch for the statement that the envelope holds, or null. Null when anything is broken.
const TrustedKey* voucher(const SignatureCheck& check, const Statement& statement);
// Why there is none, said of the statement: "is not signed".
std::string why_no_voucher(const SignatureCheck& check, const Statement& statement);

}  // namespace heirloom::provenance
