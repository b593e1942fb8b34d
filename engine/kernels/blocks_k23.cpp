// Blocks of 256 with two or three bits for each weight: sixteen groups of 16, each with a scale of few bits.
//   q2_k, 84 bytes  | 0..15 scale (low half) and least value (high half) of each group | 16..79 two bits for each
//                     weight | 80..81 scale f16 | 82..83 least f16 |
//                     weight = scale * group scale * q - least * group least
//   q3_k, 110 bytes | 0..31 third bits | 32..95 two bits for each weight | 96..107 six bits for each group |
//                     108..109 scale f16 |      weight = scale * (group scale - 32) * (q - 4)
// Two bits: byte l of a half block has weights l, l + 32, l + 64 and l + 96 of it, lowest first. Third bits: bit b of
// byte l is weight 32 * b + l's.
#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_rows.hpp"

namespace heirloom::kernels {
namespace {

constexpr std::size_t group = 16;
constexpr std::size_t groups = super_elements / group;
constexpr std::size_t half_block = 128;

void store_two_bits(const std::uint8_t* q, std::uint8_t* dst) {
  for (std::size_t half = 0; half < super_elements; half += half_block)
    for (std::size_t l = 0; l < 32; ++l) {
      const std::uint8_t* first = q + half + l;
      dst[half / 4 + l] = static_cast<std::uint8_t>(first[0] | first[32] << 2 | first[64] << 4 | first[96] << 6);
    }
}

void load_two_bits(const std::uint8_t* src, std::uint8_t* q) {
  for (std::size_t i = 0; i < super_elements; ++i)
    q[i] = src[i / half_block * 32 + i % 32] >> (i % half_block / 32 * 2) & 3;
}

// ---- q2_k

constexpr std::size_t q2_k_bytes = 84;

// Rounds the weights once more, to the scales as they are stored; a group whose scale is zero keeps its q.
void finish_q2_k(const float* x, std::uint8_t* q, std::uint8_t* dst) {
  const float scale = load_f16(dst + 80);
  const float least = load_f16(dst + 82);
  for (std::size_t g = 0; g < groups; ++g) {
    const float group_scale = scale * static_cast<float>(dst[g] & 15);
    if (group_scale == 0.0f)
      continue;
    const float group_least = least * static_cast<float>(dst[g] >> 4);
    for (std::size_t i = group * g; i < group * (g + 1); ++i)
      q[i] = static_cast<std::uint8_t>(clamped(nearest((x[i] + group_least) / group_scale), 0, 3));
  }
  store_two_bits(q, dst + 16);
}

float largest_of(const float* values) {
  float largest = 0.0f;
  for (std::size_t g = 0; g < groups; ++g) largest = values[g] > largest ? values[g] : largest;
  return largest;
}

// Four bits for each value, in multiples of what is stored at `dst`.
void store_group_values(const float* values, std::uint8_t* codes, std::uint8_t* dst) {
  const float largest = largest_of(values);
  const bool is_positive = largest > 0.0f;
  const float inverse = is_positive ? 15.0f / largest : 0.0f;
  for (std::size_t g = 0; g < groups; ++g)
    codes[g] = is_positive ? static_cast<std::uint8_t>(nearest(inverse * values[g])) : std::uint8_t{0};
  store_f16(dst, is_positive ? largest / 15.0f : 0.0f);
}

void encode_q2_k_block(const float* x, std::uint8_t* dst) {
  std::uint8_t q[super_elements];
  float scales[groups], leasts[groups];
  for (std::size_t g = 0; g < groups; ++g) {
    float weights[group];
    for (std::size_t i = 0; i < group; ++i) weights[i] = magnitude_of(x[group * g + i]);
    const Affine fit =
        fit_affine<Deviation::absolute>(x + group * g, weights, group, 3, {-0.5f, 0.1f, 15}, q + group * g);
    scales[g] = fit.scale;
    leasts[g] = fit.minus_min;
  }
  std::uint8_t scale_codes[groups], least_codes[groups];
  store_group_values(scales, scale_codes, dst + 80);
  store_group_values(leasts, least_codes, dst + 82);
  for (std::size_t g = 0; g < groups; ++g) dst[g] = static_cast<std::uint8_t>(scale_codes[g] | least_codes[g] << 4);
  finish_q2_k(x, q, dst);
}

void encode_weighted_q2_k_block(const float* x, const float* importance, std::uint8_t* dst) {
  std::uint8_t q[super_elements];
  float scales[groups], leasts[groups], sums[groups];
  const float variance = sum_of_squares(x, super_elements) / 256.0f;
  for (std::size_t g = 0; g < groups; ++g) {
    float weights[group];
    weigh(x + group * g, importance + group * g, variance, group, weights);
    sums[g] = sum_of(weights, group);
    const Affine fit = fit_affine<Deviation::squared>(x + group * g, weights, group, 3, weighted_trials(), q + group * g);
    scales[g] = fit.scale;
    leasts[g] = fit.minus_min;
  }
  std::uint8_t scale_codes[groups], least_codes[groups];
  store_f16(dst + 80, fit_positive(scales, sums, groups, 15, scale_codes));
  store_f16(dst + 82, fit_positive(leasts, sums, groups, 15, least_codes));
  for (std::size_t g = 0; g < groups; ++g) dst[g] = static_cast<std::uint8_t>(scale_codes[g] | least_codes[g] << 4);
  finish_q2_k(x, q, dst);
}

void decode_q2_k_block(const std::uint8_t* src, float* x) {
  std::uint8_t q[super_elements];
  load_two_bits(src + 16, q);
  const float scale = load_f16(src + 80);
  const float least = load_f16(src + 82);
  for (std::size_t i = 0; i < super_elements; ++i) {
    const std::uint8_t codes = src[i / group];
    x[i] = scale * static_cast<float>(codes & 15) * static_cast<float>(q[i]) - least * static_cast<float>(codes >> 4);
  }
}

// ---- q3_k

constexpr std::size_t q3_k_bytes = 110;

// Six bits for each of sixteen groups in twelve bytes: byte g % 8 has the low four bits of groups g and g + 8, byte
// 8 + g % 4 the high two of groups g, g + 4, g + 8 and g + 12.
void store_group_codes(const std::uint8_t* codes, std::uint8_t* dst) {
  for (std::size_t b = 0; b < 8; ++b) dst[b] = static_cast<std::uint8_t>((codes[b] & 15) | (codes[b + 8] & 15) << 4);
  for (std::size_t b = 0; b < 4; ++b)
    dst[8 + b] = static_cast<std::uint8_t>(codes[b] >> 4 | codes[b + 4] >> 4 << 2 | codes[b + 8] >> 4 << 4 |
                                           codes[b + 12] >> 4 << 6);
}

int load_group_code(const std::uint8_t* src, std::size_t g) {
  const int low = src[g % 8] >> (g / 8 * 4) & 15;
  const int high = src[8 + g % 4] >> (g / 4 * 2) & 3;
  return low | high << 4;
}

void finish_q3_k(const float* x, std::uint8_t* q, std::uint8_t* dst) {
  const float scale = load_f16(dst + 108);
  for (std::size_t g = 0; g < groups; ++g) {
    const float group_scale = scale * static_cast<float>(load_group_code(dst + 96, g) - 32);
    if (group_scale == 0.0f)
      continue;
    for (std::size_t i = group * g; i < group * (g + 1); ++i)
      q[i] = static_cast<std::uint8_t>(clamped(nearest(x[i] / group_scale), -4, 3) + 4);
  }
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

void encode_q3_k_block(const float* x, std::uint8_t* dst) {
  std::int8_t q[super_elements];
  float scales[groups];
  float largest = 0.0f;
  float extreme = 0.0f;
  for (std::size_t g = 0; g < groups; ++g) {
    scales[g] = fit_symmetric_stepwise(x + group * g, group, 4, q + group * g);
    if (magnitude_of(scales[g]) > largest) {
      largest = magnitude_of(scales[g]);
      extreme = scales[g];
    }
  }
  std::uint8_t codes[groups] = {};
  const float inverse = extreme != 0.0f ? -32.0f / extreme : 0.0f;
  for (std::size_t g = 0; g < groups && extreme != 0.0f; ++g) {
    const auto code = static_cast<std::int8_t>(nearest(inverse * scales[g]));
    codes[g] = static_cast<std::uint8_t>(clamped(code, -32, 31) + 32);
  }
  store_group_codes(codes, dst + 96);
  store_f16(dst + 108, extreme != 0.0f ? 1.0f / inverse : 0.0f);
  finish_q3_k(x, reinterpret_cast<std::uint8_t*>(q), dst);
}

void encode_weighted_q3_k_block(const float* x, const float* importance, std::uint8_t* dst) {
  std::int8_t q[super_elements];
  float scales[groups], sums[groups];
  const float variance = 2.0f * sum_of_squares(x, super_elements) / 256.0f;
  for (std::size_t g = 0; g < groups; ++g) {
    float weights[group];
    weigh(x + group * g, importance + group * g, variance, group, weights);
    sums[g] = sum_of(weights, group);
    scales[g] = fit_symmetric(x + group * g, weights, group, 4, q + group * g);
  }
  std::int8_t codes[groups];
  const float scale = fit_symmetric(scales, sums, groups, 32, codes);
  store_group_codes(reinterpret_cast<const std::uint8_t*>(codes), dst + 96);
  store_f16(dst + 108, scale);
  finish_q3_k(x, reinterpret_cast<std::uint8_t*>(q), dst);
}

void decode_q3_k_block(const std::uint8_t* src, float* x) {
  std::uint8_t q[super_elements];
  load_two_bits(src + 32, q);
  const float scale = load_f16(src + 108);
  for (std::size_t i = 0; i < super_elements; ++i) {
    const float group_scale = scale * static_cast<float>(load_group_code(src + 96, i / group) - 32);
    const int third = src[i % 32] >> (i / 32) & 1;
    x[i] = group_scale * static_cast<float>(q[i] + 4 * third - 4);
  }
}

}  // namespace

void encode_q2_k(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<super_elements, q2_k_bytes>(src, dst, n, encode_q2_k_block);
}
void encode_weighted_q2_k(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each_weighted<super_elements, q2_k_bytes>(src, importance, dst, n, encode_weighted_q2_k_block);
}
void decode_q2_k(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, q2_k_bytes>(src, dst, n, decode_q2_k_block);
}

void encode_q3_k(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<super_elements, q3_k_bytes>(src, dst, n, encode_q3_k_block);
}
void encode_weighted_q3_k(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each_weighted<super_elements, q3_k_bytes>(src, importance, dst, n, encode_weighted_q3_k_block);
}
void decode_q3_k(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, q3_k_bytes>(src, dst, n, decode_q3_k_block);
}

}  // namespace heirloom::kernels
