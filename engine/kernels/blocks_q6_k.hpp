// q6_k, 210 bytes, 256 weights in sixteen groups of 16:
//   | 0..127 low four bits | 128..191 high two bits | 192..207 group scales i8 | 208..209 scale f16 |
//   weight = scale * group scale * (q - 32)
// Of each half block, byte l of 64 has the low bits of weights l and l + 64, byte l of 32 the high bits of weights l,
// l + 32, l + 64 and l + 96, lowest first.
// Internal linkage throughout: shared with the rows of isa_*.cpp.
#pragma once

#include "engine/kernels/blocks_rows.hpp"

namespace heirloom::kernels::q6k {

constexpr std::size_t group = 16;
constexpr std::size_t groups = super_elements / group;
constexpr std::size_t bytes = 210;
constexpr std::size_t half_block = 128;
constexpr std::size_t high_bits_at = 128, group_scales_at = 192, scale_at = 208;

static inline void store_codes(const std::int8_t* q, std::uint8_t* dst) {
  for (std::size_t half = 0; half < super_elements; half += half_block)
    for (std::size_t l = 0; l < 32; ++l) {
      const std::int8_t* first = q + half + l;
      std::uint8_t* low = dst + half / 2 + l;
      low[0] = static_cast<std::uint8_t>((first[0] & 15) | (first[64] & 15) << 4);
      low[32] = static_cast<std::uint8_t>((first[32] & 15) | (first[96] & 15) << 4);
      dst[high_bits_at + half / 4 + l] =
          static_cast<std::uint8_t>(first[0] >> 4 | first[32] >> 4 << 2 | first[64] >> 4 << 4 | first[96] >> 4 << 6);
    }
}

// The scale of the block from those of its groups, and the group scales in multiples of it. False, with nothing stored,
// where all are as good as zero: then the block is all zero bytes.
static inline bool store_scales(const float* scales, std::uint8_t* dst) {
  const Extreme extreme = extreme_of(scales, groups);
  if (extreme.magnitude < smallest_group)
    return false;
  const float inverse = -128.0f / extreme.value;
  store_f16(dst + scale_at, 1.0f / inverse);
  for (std::size_t g = 0; g < groups; ++g) {
    const std::int32_t wanted = nearest(inverse * scales[g]);
    dst[group_scales_at + g] = static_cast<std::uint8_t>(wanted < 127 ? wanted : 127);
  }
  return true;
}

static inline float group_scale(const std::uint8_t* src, float scale, std::size_t g) {
  return scale * static_cast<float>(static_cast<std::int8_t>(src[group_scales_at + g]));
}

}  // namespace heirloom::kernels::q6k
