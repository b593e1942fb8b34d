// Blocks of 256 with four or five bits for each weight: eight groups of 32, each with a scale and a least value.
//   q4_k, 144 bytes | 0..1 scale f16 | 2..3 least f16 | 4..15 six bits twice for each group | 16..143 nibbles |
//   q5_k, 176 bytes | 0..1 scale f16 | 2..3 least f16 | 4..15 six bits twice for each group | 16..47 fifth bits |
//                     48..175 nibbles |           weight = scale * group scale * q - least * group least
// Nibbles: byte l of 32 bytes has weight l of one group in its low half and of the next group in its high half. Fifth
// bits: bit g of byte l is weight l's of group g.
#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_rows.hpp"

namespace heirloom::kernels {
namespace {

constexpr std::size_t group = 32;
constexpr std::size_t groups = super_elements / group;

struct Q4 {
  static constexpr int levels = 15;
  static constexpr std::size_t bytes = 144;
  static constexpr std::size_t nibbles = 16;
  static constexpr Trials trials{-1.0f, 0.1f, 20};
  static constexpr std::uint8_t group_limit = 255;  // with an importance ggml limits only q5_k's group codes
};
struct Q5 {
  static constexpr int levels = 31;
  static constexpr std::size_t bytes = 176;
  static constexpr std::size_t nibbles = 48;
  static constexpr Trials trials{-0.5f, 0.1f, 15};
  static constexpr std::uint8_t group_limit = 63;
};

// Twelve bytes: 0..3 scales and 4..7 least values of groups 0..3 in their low six bits; 8..11 the low four bits of both
// of groups 4..7, whose high two bits are on top of bytes 0..3 and 4..7.
void store_group_codes(const std::uint8_t* scales, const std::uint8_t* leasts, std::uint8_t* dst) {
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

GroupCodes load_group_codes(const std::uint8_t* src, std::size_t g) {
  if (g < 4)
    return {src[g] & 63, src[g + 4] & 63};
  return {(src[g + 4] & 15) | src[g - 4] >> 6 << 4, src[g + 4] >> 4 | src[g] >> 6 << 4};
}

template <class Bits>
void store_codes(const std::uint8_t* q, std::uint8_t* dst) {
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

// Six bits for each value, in multiples of what is stored at `dst`.
void store_group_values(const float* values, std::uint8_t* codes, std::uint8_t* dst) {
  float largest = 0.0f;
  for (std::size_t g = 0; g < groups; ++g) largest = values[g] > largest ? values[g] : largest;
  const float inverse = largest > 0.0f ? 63.0f / largest : 0.0f;
  for (std::size_t g = 0; g < groups; ++g) {
    const auto code = static_cast<std::uint8_t>(nearest(inverse * values[g]));
    codes[g] = code < 63 ? code : 63;
  }
  store_f16(dst, largest / 63.0f);
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
        fit_affine<Deviation::squared>(numbers, weights, group, Bits::levels, Bits::trials, q + group * g);
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
        fit_affine<Deviation::squared>(x + group * g, weights, group, Bits::levels, weighted_trials, q + group * g);
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

void encode_q4_k(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<super_elements, Q4::bytes>(src, dst, n, encode_block<Q4>);
}
void encode_weighted_q4_k(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each_weighted<super_elements, Q4::bytes>(src, importance, dst, n, encode_weighted_block<Q4>);
}
void decode_q4_k(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, Q4::bytes>(src, dst, n, decode_block<Q4>);
}

void encode_q5_k(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<super_elements, Q5::bytes>(src, dst, n, encode_block<Q5>);
}
void encode_weighted_q5_k(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each_weighted<super_elements, Q5::bytes>(src, importance, dst, n, encode_weighted_block<Q5>);
}
void decode_q5_k(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, Q5::bytes>(src, dst, n, decode_block<Q5>);
}

}  // namespace heirloom::kernels
