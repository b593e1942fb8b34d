// The portable row of q2_k and q3_k.
#include "engine/kernels/blocks_k23.hpp"

#include "engine/kernels/blocks.hpp"

namespace heirloom::kernels {
namespace k23 {
namespace {

void load_two_bits(const std::uint8_t* src, std::uint8_t* q) {
  for (std::size_t i = 0; i < super_elements; ++i)
    q[i] = src[i / half_block * 32 + i % 32] >> (i % half_block / 32 * 2) & 3;
}

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

void encode_q2_k_block(const float* x, std::uint8_t* dst) {
  std::uint8_t q[super_elements];
  float scales[groups], leasts[groups];
  for (std::size_t g = 0; g < groups; ++g) {
    float weights[group];
    for (std::size_t i = 0; i < group; ++i) weights[i] = magnitude_of(x[group * g + i]);
    const Affine fit =
        fit_affine<Deviation::absolute>(x + group * g, weights, group, 3, q2_k_trials(), q + group * g);
    scales[g] = fit.scale;
    leasts[g] = fit.minus_min;
  }
  store_q2_k_values(scales, leasts, dst);
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
  const float scale = fit_positive(scales, sums, groups, 15, scale_codes);
  const float least = fit_positive(leasts, sums, groups, 15, least_codes);
  store_q2_k_fitted(scale, scale_codes, least, least_codes, dst);
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

void finish_q3_k(const float* x, std::uint8_t* q, std::uint8_t* dst) {
  const float scale = load_f16(dst + 108);
  for (std::size_t g = 0; g < groups; ++g) {
    const float group_scale = scale * static_cast<float>(load_group_code(dst + 96, g) - 32);
    if (group_scale == 0.0f)
      continue;
    for (std::size_t i = group * g; i < group * (g + 1); ++i)
      q[i] = static_cast<std::uint8_t>(clamped(nearest(x[i] / group_scale), -4, 3) + 4);
  }
  store_q3_k_codes(q, dst);
}

void encode_q3_k_block(const float* x, std::uint8_t* dst) {
  std::int8_t q[super_elements];
  float scales[groups];
  for (std::size_t g = 0; g < groups; ++g) scales[g] = fit_symmetric_stepwise(x + group * g, group, 4, q + group * g);
  store_q3_k_scales(scales, dst);
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
}  // namespace k23

void encode_q2_k(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<super_elements, k23::q2_k_bytes>(src, dst, n, k23::encode_q2_k_block);
}
void encode_weighted_q2_k(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each_weighted<super_elements, k23::q2_k_bytes>(src, importance, dst, n, k23::encode_weighted_q2_k_block);
}
void decode_q2_k(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, k23::q2_k_bytes>(src, dst, n, k23::decode_q2_k_block);
}

void encode_q3_k(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<super_elements, k23::q3_k_bytes>(src, dst, n, k23::encode_q3_k_block);
}
void encode_weighted_q3_k(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each_weighted<super_elements, k23::q3_k_bytes>(src, importance, dst, n, k23::encode_weighted_q3_k_block);
}
void decode_q3_k(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, k23::q3_k_bytes>(src, dst, n, k23::decode_q3_k_block);
}

}  // namespace heirloom::kernels
