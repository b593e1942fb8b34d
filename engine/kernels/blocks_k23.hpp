// Blocks of 256 with two or three bits for each weight: sixteen groups of 16, each with a scale of few bits.
//   q2_k, 84 bytes  | 0..15 scale (low half) and least value (high half) of each group | 16..79 two bits for each
//                     weight | 80..81 scale f16 | 82..83 least f16 |
//                     weight = scale * group scale * q - least * group least
//   q3_k, 110 bytes | 0..31 third bits | 32..95 two bits for each weight | 96..107 six bits for each group |
//                     108..109 scale f16 |      weight = scale * (group scale - 32) * (q - 4)
// Two bits: byte l of a half block has weights l, l + 32, l + 64 and l + 96 of it, lowest first. Third bits: bit b of
// byte l is weight 32 * b + l's.
// Internal linkage throughout: shared with the rows of isa_*.cpp.
#pragma once

#include "engine/kernels/blocks_rows.hpp"

namespace heirloom::kernels::k23 {

constexpr std::size_t group = 16;
constexpr std::size_t groups = super_elements / group;
constexpr std::size_t half_block = 128;

constexpr std::size_t q2_k_bytes = 84;
constexpr std::size_t q3_k_bytes = 110;
static constexpr Trials q2_k_trials() { return {-0.5f, 0.1f, 15}; }

static inline void store_two_bits(const std::uint8_t* q, std::uint8_t* dst) {
  for (std::size_t half = 0; half < super_elements; half += half_block)
    for (std::size_t l = 0; l < 32; ++l) {
      const std::uint8_t* first = q + half + l;
      dst[half / 4 + l] = static_cast<std::uint8_t>(first[0] | first[32] << 2 | first[64] << 4 | first[96] << 6);
    }
}

static inline float largest_of(const float* values) {
  float largest = 0.0f;
  for (std::size_t g = 0; g < groups; ++g) largest = values[g] > largest ? values[g] : largest;
  return largest;
}

// Four bits for each value, in multiples of what is stored at `dst`.
static inline void store_group_values(const float* values, std::uint8_t* codes, std::uint8_t* dst) {
  const float largest = largest_of(values);
  const bool is_positive = largest > 0.0f;
  const float inverse = is_positive ? 15.0f / largest : 0.0f;
  for (std::size_t g = 0; g < groups; ++g)
    codes[g] = is_positive ? static_cast<std::uint8_t>(nearest(inverse * values[g])) : std::uint8_t{0};
  store_f16(dst, is_positive ? largest / 15.0f : 0.0f);
}

static inline void store_q2_k_codes(const std::uint8_t* scale_codes, const std::uint8_t* least_codes, std::uint8_t* dst) {
  for (std::size_t g = 0; g < groups; ++g) dst[g] = static_cast<std::uint8_t>(scale_codes[g] | least_codes[g] << 4);
}

static inline void store_q2_k_values(const float* scales, const float* leasts, std::uint8_t* dst) {
  std::uint8_t scale_codes[groups], least_codes[groups];
  store_group_values(scales, scale_codes, dst + 80);
  store_group_values(leasts, least_codes, dst + 82);
  store_q2_k_codes(scale_codes, least_codes, dst);
}

static inline void store_q2_k_fitted(float scale, const std::uint8_t* scale_codes, float least,
                                     const std::uint8_t* least_codes, std::uint8_t* dst) {
  store_f16(dst + 80, scale);
  store_f16(dst + 82, least);
  store_q2_k_codes(scale_codes, least_codes, dst);
}

// Six bits for each of sixteen groups in twelve bytes: byte g % 8 has the low four bits of groups g and g + 8, byte
// 8 + g % 4 the high two of groups g, g + 4, g + 8 and g + 12.
static inline void store_group_codes(const std::uint8_t* codes, std::uint8_t* dst) {
  for (std::size_t b = 0; b < 8; ++b) dst[b] = static_cast<std::uint8_t>((codes[b] & 15) | (codes[b + 8] & 15) << 4);
  for (std::size_t b = 0; b < 4; ++b)
    dst[8 + b] = static_cast<std::uint8_t>(codes[b] >> 4 | codes[b + 4] >> 4 << 2 | codes[b + 8] >> 4 << 4 |
                                           codes[b + 12] >> 4 << 6);
}

// The scale of group g as it is stored.
static inline int load_group_code(const std::uint8_t* src, std::size_t g) {
  const int low = src[g % 8] >> (g / 8 * 4) & 15;
  const int high = src[8 + g % 4] >> (g / 4 * 2) & 3;
  return low | high << 4;
}

// What a scale of each group becomes: six bits in multiples of the largest, which is stored as -32.
static inline void store_q3_k_scales(const float* scales, std::uint8_t* dst) {
  const float extreme = extreme_of(scales, groups).value;
  std::uint8_t codes[groups] = {};
  const float inverse = extreme != 0.0f ? -32.0f / extreme : 0.0f;
  for (std::size_t g = 0; g < groups && extreme != 0.0f; ++g) {
    const auto code = static_cast<std::int8_t>(nearest(inverse * scales[g]));
    codes[g] = static_cast<std::uint8_t>(clamped(code, -32, 31) + 32);
  }
  store_group_codes(codes, dst + 96);
  store_f16(dst + 108, extreme != 0.0f ? 1.0f / inverse : 0.0f);
}

// Two bits and the third ones; takes the third bits out of q.
static inline void store_q3_k_codes(std::uint8_t* q, std::uint8_t* dst) {
  for (std::size_t l = 0; l < 32; ++l) {
    unsigned bits = 0;
    for (std::size_t b = 0; b < 8; ++b) {
      bits |= (q[32 * b + l] >> 2 & 1u) << b;
      q[32 * b + l] &= 3;
    }
    dst[l] = static_cast<std::uint8_t>(bits);
  }
  store_two_bits(q, dst + 32);
}

}  // namespace heirloom::kernels::k23
