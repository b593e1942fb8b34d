// Blocks of SHA-256 of several messages at a time. One message waits for the latency of the processor's own instructions,
// rounds of others fit in between: two take hardly longer than one. No library that Debian has offers that. Constant, any
// thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace heirloom::kernels {

using Sha256State = std::array<std::uint32_t, 8>;
inline constexpr std::size_t sha256_block_bytes = 64;

// What a message begins with (FIPS 180-4, 5.3.3).
inline constexpr Sha256State sha256_start = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// Null where the processor has no instructions for it. Takes `blocks` whole blocks of each message.
struct Sha256Blocks {
  void (*one)(Sha256State& state, const std::uint8_t* message, std::size_t blocks) noexcept;
  void (*two)(Sha256State& a, const std::uint8_t* message_a, Sha256State& b, const std::uint8_t* message_b, std::size_t blocks) noexcept;
};
const Sha256Blocks* sha256_blocks() noexcept;

}  // namespace heirloom::kernels
