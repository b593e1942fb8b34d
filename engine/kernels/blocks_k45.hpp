// Blocks of 256 with four or five bits for each weight: eight groups of 32, each with a scale and a least value.
//   q4_k, 144 bytes | 0..1 scale f16 | 2..3 least f16 | 4..15 six bits twice for each group | 16..143 nibbles |
//   q5_k, 176 bytes | 0..1 scale f16 | 2..3 least f16 | 4..15 six bits twice for each group | 16..47 fifth bits |
//                     48..175 nibbles |           weight = scale * group scale * q - least * group least
// Nibbles: byte l of 32 bytes has weight l of one group in its low half and of the next group in its high half. Fifth
// bits: bit g of byte l is weight l's of group g.
// Internal linkage throughout: shared with the rows of isa_*.cpp.
#pragma once

#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_rows.hpp"

namespace heirloom::kernels::k45 {

constexpr std::size_t group = 32;
constexpr std::size_t groups = super_elements / group;

namespace {

struct Q4 {
  static constexpr int levels = 15;
  static constexpr std::size_t bytes = 144;
  static constexpr std::size_t nibbles = 16;
  static constexpr Trials trials() { return {-1.0f, 0.1f, 20}; }
  static constexpr auto encode_portable = encode_q4_k;
  static constexpr auto encode_weighted_portable = encode_weighted_q4_k;
  static constexpr std::uint8_t group_limit = 255;  // with an importance ggml limits only q5_k's group codes
};
struct Q5 {
  static constexpr int levels = 31;
  static constexpr std::size_t bytes = 176;
  static constexpr std::size_t nibbles = 48;
  static constexpr Trials trials() { return {-0.5f, 0.1f, 15}; }
  static constexpr auto encode_portable = encode_q5_k;
  static constexpr auto encode_weighted_portable = encode_weighted_q5_k;
  static constexpr std::uint8_t group_limit = 63;
};

}  // namespace

// Twelve bytes: 0..3 scales and 4..7 least values of groups 0..3 in their low six bits; 8..11 the low four bits of both
// of groups 4..7, whose high two bits are on top of bytes 0..3 and 4..7.
static inline void store_group_codes(const std::uint8_t* scales, const std::uint8_t* leasts, std::uint8_t* dst) {
  for (std::size_t g = 0; g < 4; ++g) {
    const std::uint8_t scale = scales[g + 4];
    const std::uint8_t least = leasts[g + 4];
    dst[g] = static_cast<std::uint8_t>(scales[g] | scale >> 4 << 6);
    dst[g + 4] = static_cast<std::uint8_t>(leasts[g] | least >> 4 << 6);
    dst[g + 8] = static_cast<std::uint8_t>((scale & 15) | (least & 15) << 4);
  }
}

struct GroupCodes {
  int scale, least;
};

static inline GroupCodes load_group_codes(const std::uint8_t* src, std::size_t g) {
  if (g < 4)
    return {src[g] & 63, src[g + 4] & 63};
  return {(src[g + 4] & 15) | src[g - 4] >> 6 << 4, src[g + 4] >> 4 | src[g] >> 6 << 4};
}

template <class Bits>
static inline void store_codes(const std::uint8_t* q, std::uint8_t* dst) {
  for (std::size_t g = 0; g < groups; g += 2)
    for (std::size_t l = 0; l < group; ++l)
      dst[Bits::nibbles + group / 2 * g + l] =
          static_cast<std::uint8_t>((q[group * g + l] & 15) | q[group * (g + 1) + l] << 4);
  if constexpr (Bits::levels > 15)
    for (std::size_t l = 0; l < group; ++l) {
      unsigned bits = 0;
      for (std::size_t g = 0; g < groups; ++g) bits |= (q[group * g + l] >> 4 & 1u) << g;
      dst[16 + l] = static_cast<std::uint8_t>(bits);
    }
}

// Six bits for each value, in multiples of what is stored at `dst`.
static inline void store_group_values(const float* values, std::uint8_t* codes, std::uint8_t* dst) {
  float largest = 0.0f;
  for (std::size_t g = 0; g < groups; ++g) largest = values[g] > largest ? values[g] : largest;
  const float inverse = largest > 0.0f ? 63.0f / largest : 0.0f;
  for (std::size_t g = 0; g < groups; ++g) {
    const auto code = static_cast<std::uint8_t>(nearest(inverse * values[g]));
    codes[g] = code < 63 ? code : 63;
  }
  store_f16(dst, largest / 63.0f);
}

}  // namespace heirloom::kernels::k45
