// Certificates of signers: reading them, and checking a chain against authorities that the user named. Nothing is fetched:
// no revocation lists, no issuers. Usable from one thread at a time.
#pragma once

#include "engine/provenance/keys.hpp"

#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct x509_st;  // OpenSSL's X509

namespace heirloom::provenance {

inline constexpr std::size_t max_certificates = 16;

class Certificate {
 public:
  static Result<Certificate> from_der(std::span<const std::uint8_t> der);
  Certificate(const Certificate& other);
  Certificate& operator=(const Certificate& other);
  Certificate(Certificate&&) noexcept = default;
  Certificate& operator=(Certificate&&) noexcept = default;

  std::vector<std::uint8_t> der() const;
  std::string pem() const;
  std::string subject() const;      // RFC 2253, UTF-8; hostile text
  std::string fingerprint() const;  // lower-case SHA-256 of the DER
  std::time_t not_before() const;
  std::time_t not_after() const;
  bool is_self_issued() const;
  bool is_issued_by(const Certificate& issuer) const;  // names, key identifiers and signature
  Result<PublicKey> public_key() const;  // unsupported when it is no EC key of a curve that keys.hpp knows
  // An error that says which extension forbids it: KeyUsage must allow digitalSignature where present, ExtendedKeyUsage must
  // have codeSigning where present, and one of the two is there.
  Result<void> check_may_sign() const;
  x509_st* handle() const { return handle_.get(); }

 private:
  struct Free {
    void operator()(x509_st* owned) const;
  };
  explicit Certificate(x509_st* owned) : handle_(owned) {}
  std::unique_ptr<x509_st, Free> handle_;
};

// All certificates of a PEM text, in its order; at least one, at most max_certificates.
Result<std::vector<Certificate>> read_certificates(std::string_view pem);

// What a chain is worth.
enum class ChainState {
  valid,    // at the time asked for
  expired,  // not any more, but it was when the leaf became valid: nothing proves that it signed before the end
};
struct ChainVerdict {
  ChainState state = ChainState::valid;
  std::size_t anchor = 0;  // index of the authority that the chain ends in
};

// `chain` is leaf first. Any of `anchors` may end it, a root or not. Malformed with the cause and the certificate's subject
// when the chain is worth nothing.
Result<ChainVerdict> check_chain(const std::vector<Certificate>& chain, const std::vector<Certificate>& anchors, std::time_t at);

// "2025-06-01" (its first second), "2025-06-01T12:30:00Z"; UTC. Misuse otherwise.
Result<std::time_t> parse_time(std::string_view text);
std::string time_text(std::time_t time);  // "2025-06-01T12:30:00Z"

}  // namespace heirloom::provenance
