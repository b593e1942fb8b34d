// Blocks of 32 with four or five bits for each weight. With an importance the variance is that of the whole row.
//   q4_1, 20 bytes | 0..1 scale f16 | 2..3 least f16 | 4..19 nibbles |                     weight = scale * q + least
//   q5_0, 22 bytes | 0..1 scale f16 | 2..5 fifth bits | 6..21 nibbles |                    weight = scale * (q - 16)
//   q5_1, 24 bytes | 0..1 scale f16 | 2..3 least f16 | 4..7 fifth bits | 8..23 nibbles |   weight = scale * q + least
// Nibbles: byte j has weight j in its low half and weight j + 16 in its high half. Bit j of the fifth bits is weight
// j's.
// Internal linkage throughout: shared with the rows of isa_*.cpp.
#pragma once

#include "engine/kernels/blocks_rows.hpp"

namespace heirloom::kernels::q45 {

constexpr std::size_t half_block = block_elements / 2;

static inline void store_nibbles(const std::uint8_t* q, std::uint8_t* dst) {
  for (std::size_t j = 0; j < half_block; ++j) dst[j] = static_cast<std::uint8_t>((q[j] & 15) | q[j + half_block] << 4);
}

static inline void store_fifth_bits(const std::uint8_t* q, std::uint8_t* dst) {
  for (std::size_t byte = 0; byte < 4; ++byte) {
    unsigned bits = 0;
    for (std::size_t j = 0; j < 8; ++j) bits |= (q[8 * byte + j] >> 4 & 1u) << j;
    dst[byte] = static_cast<std::uint8_t>(bits);
  }
}

}  // namespace heirloom::kernels::q45
