// The portable row of q4_k and q5_k.
#include "engine/kernels/blocks_k45.hpp"

#include "engine/kernels/blocks.hpp"

namespace heirloom::kernels {
namespace k45 {
namespace {

// Rounds the weights once more, to the scales as they are stored; a group whose scale is zero keeps its q.
template <class Bits>
void finish(const float* x, std::uint8_t* q, std::uint8_t* dst) {
  const float scale = load_f16(dst);
  const float least = load_f16(dst + 2);
  for (std::size_t g = 0; g < groups; ++g) {
    const GroupCodes codes = load_group_codes(dst + 4, g);
    const float group_scale = scale * static_cast<float>(codes.scale);
    if (group_scale == 0.0f)
      continue;
    const float group_least = least * static_cast<float>(codes.least);
    for (std::size_t i = group * g; i < group * (g + 1); ++i)
      q[i] = static_cast<std::uint8_t>(clamped(nearest((x[i] + group_least) / group_scale), 0, Bits::levels));
  }
  store_codes<Bits>(q, dst);
}

template <class Bits>
void encode_block(const float* x, std::uint8_t* dst) {
  std::uint8_t q[super_elements];
  float scales[groups], leasts[groups];
  for (std::size_t g = 0; g < groups; ++g) {
    const float* numbers = x + group * g;
    const float deviation = std::sqrt(sum_of_squares(numbers, group) / 32.0f);
    float weights[group];
    for (std::size_t i = 0; i < group; ++i) weights[i] = deviation + magnitude_of(numbers[i]);
    const Affine fit =
        fit_affine<Deviation::squared>(numbers, weights, group, Bits::levels, Bits::trials(), q + group * g);
    scales[g] = fit.scale;
    leasts[g] = fit.minus_min;
  }
  std::uint8_t scale_codes[groups], least_codes[groups];
  store_group_values(scales, scale_codes, dst);
  store_group_values(leasts, least_codes, dst + 2);
  store_group_codes(scale_codes, least_codes, dst + 4);
  finish<Bits>(x, q, dst);
}

template <class Bits>
float store_fitted_values(const float* values, const float* weights, std::uint8_t* codes) {
  const float scale = fit_positive(values, weights, groups, 63, codes);
  for (std::size_t g = 0; g < groups; ++g) codes[g] = codes[g] < Bits::group_limit ? codes[g] : Bits::group_limit;
  return scale;
}

template <class Bits>
void encode_weighted_block(const float* x, const float* importance, std::uint8_t* dst) {
  std::uint8_t q[super_elements];
  float scales[groups], leasts[groups], sums[groups];
  const float variance = 2.0f * sum_of_squares(x, super_elements) / 256.0f;
  for (std::size_t g = 0; g < groups; ++g) {
    float weights[group];
    weigh(x + group * g, importance + group * g, variance, group, weights);
    sums[g] = sum_of(weights, group);
    const Affine fit =
        fit_affine<Deviation::squared>(x + group * g, weights, group, Bits::levels, weighted_trials(), q + group * g);
    scales[g] = fit.scale;
    leasts[g] = fit.minus_min;
  }
  std::uint8_t scale_codes[groups], least_codes[groups];
  store_f16(dst, store_fitted_values<Bits>(scales, sums, scale_codes));
  store_f16(dst + 2, store_fitted_values<Bits>(leasts, sums, least_codes));
  store_group_codes(scale_codes, least_codes, dst + 4);
  finish<Bits>(x, q, dst);
}

template <class Bits>
void decode_block(const std::uint8_t* src, float* x) {
  const float scale = load_f16(src);
  const float least = load_f16(src + 2);
  for (std::size_t g = 0; g < groups; ++g) {
    const GroupCodes codes = load_group_codes(src + 4, g);
    const float group_scale = scale * static_cast<float>(codes.scale);
    const float group_least = least * static_cast<float>(codes.least);
    const std::uint8_t* nibbles = src + Bits::nibbles + g / 2 * group;
    for (std::size_t l = 0; l < group; ++l) {
      int q = nibbles[l] >> (g % 2 * 4) & 15;
      if constexpr (Bits::levels > 15)
        q += (src[16 + l] >> g & 1) << 4;
      x[group * g + l] = group_scale * static_cast<float>(q) - group_least;
    }
  }
}

}  // namespace
}  // namespace k45

void encode_q4_k(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<super_elements, k45::Q4::bytes>(src, dst, n, k45::encode_block<k45::Q4>);
}
void encode_weighted_q4_k(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each_weighted<super_elements, k45::Q4::bytes>(src, importance, dst, n, k45::encode_weighted_block<k45::Q4>);
}
void decode_q4_k(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, k45::Q4::bytes>(src, dst, n, k45::decode_block<k45::Q4>);
}

void encode_q5_k(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<super_elements, k45::Q5::bytes>(src, dst, n, k45::encode_block<k45::Q5>);
}
void encode_weighted_q5_k(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each_weighted<super_elements, k45::Q5::bytes>(src, importance, dst, n, k45::encode_weighted_block<k45::Q5>);
}
void decode_q5_k(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, k45::Q5::bytes>(src, dst, n, k45::decode_block<k45::Q5>);
}

}  // namespace heirloom::kernels
