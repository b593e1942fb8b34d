// SHA-256 on a stream, by OpenSSL, and SHA-1 where another program's names ask for it. One thread per object.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace heirloom::base {

using Digest = std::array<std::uint8_t, 32>;

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::span<const std::uint8_t> bytes);
  Digest finish();  // once
  // A stream of its own that has taken the same bytes.
  Sha256 copy() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// For no security.
using Sha1Digest = std::array<std::uint8_t, 20>;

class Sha1 {
 public:
  Sha1();
  ~Sha1();
  Sha1(Sha1&&) noexcept;
  Sha1& operator=(Sha1&&) noexcept;
  void update(std::span<const std::uint8_t> bytes);
  Sha1Digest finish();  // once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string to_hex(std::span<const std::uint8_t> digest);
Digest sha256(std::span<const std::uint8_t> bytes);

}  // namespace heirloom::base
