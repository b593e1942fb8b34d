// q6_k, 210 bytes, 256 weights in sixteen groups of 16:
//   | 0..127 low four bits | 128..191 high two bits | 192..207 group scales i8 | 208..209 scale f16 |
//   weight = scale * group scale * (q - 32)
// Of each half block, byte l of 64 has the low bits of weights l and l + 64, byte l of 32 the high bits of weights l,
// l + 32, l + 64 and l + 96, lowest first.
#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_rows.hpp"

namespace heirloom::kernels {
namespace {

constexpr std::size_t group = 16;
constexpr std::size_t groups = super_elements / group;
constexpr std::size_t bytes = 210;
constexpr std::size_t half_block = 128;
constexpr std::size_t high_bits_at = 128, group_scales_at = 192, scale_at = 208;

void store_codes(const std::int8_t* q, std::uint8_t* dst) {
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

int load_code(const std::uint8_t* src, std::size_t i) {
  const std::size_t half = i / half_block;
  const std::size_t quarter = i % half_block / 32;
  const int low = src[64 * half + i % 64] >> (quarter / 2 * 4) & 15;
  const int high = src[high_bits_at + 32 * half + i % 32] >> (2 * quarter) & 3;
  return low | high << 4;
}

// Without an importance every weight counts with its square.
void encode_block(const float* x, const float* importance, std::uint8_t* dst) {
  std::int8_t q[super_elements];
  float scales[groups];
  float largest = 0.0f;
  float extreme = 0.0f;
  for (std::size_t g = 0; g < groups; ++g) {
    const float* weights = importance == nullptr ? nullptr : importance + group * g;
    scales[g] = fit_symmetric(x + group * g, weights, group, 32, q + group * g);
    if (magnitude_of(scales[g]) > largest) {
      largest = magnitude_of(scales[g]);
      extreme = scales[g];
    }
  }
  if (largest < smallest_group) {
    for (std::size_t i = 0; i < bytes; ++i) dst[i] = 0;
    return;
  }
  const float inverse = -128.0f / extreme;
  store_f16(dst + scale_at, 1.0f / inverse);
  const float scale = load_f16(dst + scale_at);
  for (std::size_t g = 0; g < groups; ++g) {
    const std::int32_t wanted = nearest(inverse * scales[g]);
    const auto code = static_cast<std::int8_t>(wanted < 127 ? wanted : 127);
    dst[group_scales_at + g] = static_cast<std::uint8_t>(code);
    const float group_scale = scale * static_cast<float>(code);
    if (group_scale == 0.0f)
      continue;
    for (std::size_t i = group * g; i < group * (g + 1); ++i)
      q[i] = static_cast<std::int8_t>(clamped(nearest(x[i] / group_scale), -32, 31) + 32);
  }
  store_codes(q, dst);
}

void decode_block(const std::uint8_t* src, float* x) {
  const float scale = load_f16(src + scale_at);
  for (std::size_t i = 0; i < super_elements; ++i) {
    const auto code = static_cast<std::int8_t>(src[group_scales_at + i / group]);
    x[i] = scale * static_cast<float>(code) * static_cast<float>(load_code(src, i) - 32);
  }
}

}  // namespace

void encode_q6_k(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<super_elements, bytes>(src, dst, n,
                                     [](const float* x, std::uint8_t* block) { encode_block(x, nullptr, block); });
}
void encode_weighted_q6_k(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each_weighted<super_elements, bytes>(src, importance, dst, n, encode_block);
}
void decode_q6_k(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, bytes>(src, dst, n, decode_block);
}

}  // namespace heirloom::kernels
