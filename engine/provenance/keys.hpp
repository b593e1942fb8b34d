// Keys that sign and verify: ECDSA on P-256, P-384 or P-521 with SHA-256, SHA-384 or SHA-512, by OpenSSL. Keys are values;
// a key's curve decides the digest, never a message. Usable from one thread at a time.
#pragma once

#include "heirloom/result.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace heirloom::provenance {

inline constexpr std::size_t max_pem_bytes = 64u << 10;

enum class Curve { p256, p384, p521 };
inline constexpr std::array curves = {Curve::p256, Curve::p384, Curve::p521};
std::string_view name_of(Curve curve);  // "P-256"

struct FreeKey {
  void operator()(evp_pkey_st* key) const;
};
using KeyHandle = std::unique_ptr<evp_pkey_st, FreeKey>;

class PublicKey {
 public:
  // The first "PUBLIC KEY" of a PEM text.
  static Result<PublicKey> from_pem(std::string_view pem);
  // A DER SubjectPublicKeyInfo.
  static Result<PublicKey> from_der(std::span<const std::uint8_t> der);
  // Takes over a key of OpenSSL's; unsupported unless it is on a named curve of the three.
  static Result<PublicKey> from_handle(KeyHandle key);
  PublicKey(const PublicKey& other);
  PublicKey& operator=(const PublicKey& other);
  PublicKey(PublicKey&&) noexcept = default;
  PublicKey& operator=(PublicKey&&) noexcept = default;

  Curve curve() const { return curve_; }
  const std::string& pem() const { return pem_; }    // 64 letters a line, with a final line end
  const std::string& hint() const { return hint_; }  // lower-case SHA-256 of pem()
  // Whether the DER signature is this key's over the message.
  bool verifies(std::string_view message, std::span<const std::uint8_t> signature) const;

 private:
  PublicKey() = default;
  KeyHandle key_;
  Curve curve_ = Curve::p256;
  std::string pem_, hint_;
};

class PrivateKey {
 public:
  static Result<PrivateKey> generate(Curve curve);
  // PKCS#8 or SEC 1; `password` is for an encrypted one. Misuse when it is encrypted and the password is empty or wrong.
  static Result<PrivateKey> from_pem(std::string_view pem, const std::string& password);

  const PublicKey& public_key() const { return public_; }
  // PKCS#8; encrypted (scrypt, AES-256-CBC) unless the password is empty.
  Result<std::string> pem(const std::string& password) const;
  // A DER signature.
  Result<std::vector<std::uint8_t>> sign(std::string_view message) const;

 private:
  PrivateKey(KeyHandle key, PublicKey of) : key_(std::move(key)), public_(std::move(of)) {}
  KeyHandle key_;
  PublicKey public_;
};

}  // namespace heirloom::provenance
