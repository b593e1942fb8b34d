#include "engine/base/digest.hpp"

#include <openssl/evp.h>

#include <new>

namespace heirloom::base {

namespace {

// OpenSSL's digests fail only when they get no memory.
void require(bool ok) {
  if (!ok)
    throw std::bad_alloc();
}

class Context {
 public:
  explicit Context(const EVP_MD* algorithm) { require(owned_ != nullptr && EVP_DigestInit_ex(owned_.get(), algorithm, nullptr) == 1); }
  void update(std::span<const std::uint8_t> bytes) { require(EVP_DigestUpdate(owned_.get(), bytes.data(), bytes.size()) == 1); }
  void finish(std::span<std::uint8_t> digest) { require(EVP_DigestFinal_ex(owned_.get(), digest.data(), nullptr) == 1); }
  void take(const Context& other) { require(EVP_MD_CTX_copy_ex(owned_.get(), other.owned_.get()) == 1); }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* owned) const { EVP_MD_CTX_free(owned); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> owned_{EVP_MD_CTX_new()};
};

}  // namespace

struct Sha256::State {
  Context context{EVP_sha256()};
};
struct Sha1::State {
  Context context{EVP_sha1()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::uint8_t> bytes) { state_->context.update(bytes); }

Digest Sha256::finish() {
  Digest digest{};
  state_->context.finish(digest);
  return digest;
}

Sha256 Sha256::copy() const {
  Sha256 other;
  other.state_->context.take(state_->context);
  return other;
}

Sha1::Sha1() : state_(std::make_unique<State>()) {}
Sha1::~Sha1() = default;
Sha1::Sha1(Sha1&&) noexcept = default;
Sha1& Sha1::operator=(Sha1&&) noexcept = default;

void Sha1::update(std::span<const std::uint8_t> bytes) { state_->context.update(bytes); }

Sha1Digest Sha1::finish() {
  Sha1Digest digest{};
  state_->context.finish(digest);
  return digest;
}

std::string to_hex(std::span<const std::uint8_t> digest) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(digest.size() * 2);
  for (const std::uint8_t byte : digest) {
    hex += digits[byte >> 4];
    hex += digits[byte & 15];
  }
  return hex;
}

Digest sha256(std::span<const std::uint8_t> bytes) {
  Sha256 stream;
  stream.update(bytes);
  return stream.finish();
}

}  // namespace heirloom::base
