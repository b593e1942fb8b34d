// q4_k and q5_k with V::lanes groups at once. See lanes_avx2.hpp for V; blocks_k45.hpp for the layout.
#pragma once

#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_k45.hpp"
#include "engine/kernels/simd/affine.hpp"
#include "engine/kernels/simd/groups.hpp"
#include "engine/kernels/simd/positive.hpp"

namespace heirloom::kernels::simd {

template <class V>
struct K45 {
  using F = typename V::F;
  using Group = AffineFit<V>;
  static constexpr std::size_t lanes = V::lanes;
  static constexpr std::size_t blocks = lanes / k45::groups;  // of one batch of groups
  static_assert(lanes % k45::groups == 0);

  // The fits of groups, by their place among `count` groups.
  template <std::size_t count>
  struct Fits {
    float scale[count] = {}, minus_min[count] = {}, inverse[count] = {}, least[count] = {};
    std::uint32_t sound = 0;  // bit b: all groups of block b

    void keep(std::size_t first, const AffineFit<V>& fit) {
      V::store(scale + first, fit.scale);
      V::store(minus_min + first, fit.minus_min);
      V::store(inverse + first, fit.inverse);
      V::store(least + first, fit.least);
      const std::uint32_t bits = V::bits(fit.is_sound);
      for (std::size_t b = 0; b < blocks; ++b)
        sound |= static_cast<std::uint32_t>((bits >> (k45::groups * b) & 0xff) == 0xff) << (first / k45::groups + b);
    }
  };

  // finish() of blocks_k45.cpp: rounds the weights to the stored scales. False where that takes other arithmetic.
  template <class Bits>
  static bool finish(const float* x, const float* inverse, const float* least, std::uint8_t* dst) {
    const float block_scale = load_f16(dst);
    const float block_least = load_f16(dst + 2);
    const F low = V::all(nearest_magic), high = V::all(nearest_magic + Bits::levels);
    std::uint8_t q[super_elements];
    auto is_sound = low == low;
    for (std::size_t g = 0; g < k45::groups; ++g) {
      const k45::GroupCodes codes = k45::load_group_codes(dst + 4, g);
      const float group_scale = block_scale * static_cast<float>(codes.scale);
      const float group_least = block_least * static_cast<float>(codes.least);
      const bool is_zero = group_scale == 0.0f;
      for (std::size_t i = k45::group * g; i < k45::group * (g + 1); i += lanes) {
        const F value = is_zero ? V::all(inverse[g]) * (V::load(x + i) - V::all(least[g]))
                                : (V::load(x + i) + V::all(group_least)) / V::all(group_scale);
        is_sound = is_sound & (V::abs(value) < V::all(0x1p21f));
        const F code = V::min(V::max(value + low, low), high);
        V::store_u8(q + i, V::as_int(code) & V::all(63));
      }
    }
    k45::store_codes<Bits>(q, dst);
    return !V::any(is_sound ^ (low == low));
  }

  template <class Bits>
  static void encode_batch(const float* src, std::uint8_t* dst) {
    F x[k45::group], weights[k45::group];
    load_groups<V>(src, k45::group, x);
    F squares = V::all(0.0f);
    for (std::size_t i = 0; i < k45::group; ++i) squares = squares + x[i] * x[i];
    const F deviation = V::sqrt(squares / V::all(32.0f));
    for (std::size_t i = 0; i < k45::group; ++i) weights[i] = deviation + V::abs(x[i]);
    Fits<lanes> fits;
    fits.keep(0, fit_affine<V, k45::group, Deviation::squared>(x, weights, Bits::levels, Bits::trials()));
    for (std::size_t b = 0; b < blocks; ++b) {
      const float* block = src + super_elements * b;
      std::uint8_t* out = dst + Bits::bytes * b;
      const std::size_t first = k45::groups * b;
      std::uint8_t scale_codes[k45::groups], least_codes[k45::groups];
      k45::store_group_values(fits.scale + first, scale_codes, out);
      k45::store_group_values(fits.minus_min + first, least_codes, out + 2);
      k45::store_group_codes(scale_codes, least_codes, out + 4);
      if ((fits.sound >> b & 1) == 0 || !finish<Bits>(block, fits.inverse + first, fits.least + first, out))
        Bits::encode_portable(block, out, super_elements);
    }
  }

  template <class Bits>
  static void encode(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
    constexpr std::size_t step = blocks * super_elements;
    std::size_t i = 0;
    for (; i + step <= n; i += step) encode_batch<Bits>(src + i, dst + i / super_elements * Bits::bytes);
    if (i < n)
      Bits::encode_portable(src + i, dst + i / super_elements * Bits::bytes, n - i);
  }

  // One batch of groups with an importance: their fits, and the sums of their weights.
  template <class Bits, std::size_t count>
  static void fit_weighted(const float* src, const float* importance, const float* variances, std::size_t first,
                           Fits<count>& fits, float* sums) {
    F x[k45::group], weights[k45::group];
    load_groups<V>(src, k45::group, x);
    weigh_groups<V>(x, importance, repeat_each<V>(variances, k45::groups), k45::group, weights);
    V::store(sums + first, sum_of_each<V>(weights, k45::group));
    fits.keep(first, fit_affine<V, k45::group, Deviation::squared>(x, weights, Bits::levels, weighted_trials()));
  }

  // Codes of the group values of `lanes` blocks, and their block scales: codes[g][b] is group g's of block b.
  template <class Bits>
  static std::uint32_t fit_values(const float* values, const F* sums, float* scales, std::uint8_t (*codes)[lanes]) {
    F x[k45::groups];
    load_groups<V>(values, k45::groups, x);
    const auto fit = fit_positive<V, k45::groups>(x, sums, 63);
    V::store(scales, fit.scale);
    for (std::size_t g = 0; g < k45::groups; ++g) V::store_u8(codes[g], V::truncate(fit.codes[g]));
    return V::bits(fit.is_sound);
  }

  // At most `lanes` blocks, a multiple of `blocks`.
  template <class Bits>
  static void encode_weighted_blocks(const float* src, const float* importance, std::uint8_t* dst, std::size_t count) {
    constexpr std::size_t all_groups = lanes * k45::groups;
    Fits<all_groups> fits;
    float sums[all_groups] = {}, variances[lanes], scales[lanes], leasts[lanes];
    std::uint8_t scale_codes[k45::groups][lanes], least_codes[k45::groups][lanes];
    for (std::size_t b = 0; b < count; ++b)
      variances[b] = 2.0f * sum_of_squares(src + super_elements * b, super_elements) / 256.0f;
    for (std::size_t b = 0; b < count; b += blocks)
      fit_weighted<Bits>(src + super_elements * b, importance + super_elements * b, variances + b, k45::groups * b, fits,
                         sums);
    F weights[k45::groups];
    load_groups<V>(sums, k45::groups, weights);
    std::uint32_t sound = fits.sound;
    sound &= fit_values<Bits>(fits.scale, weights, scales, scale_codes);
    sound &= fit_values<Bits>(fits.minus_min, weights, leasts, least_codes);
    for (std::size_t b = 0; b < count; ++b) {
      const float* block = src + super_elements * b;
      std::uint8_t* out = dst + Bits::bytes * b;
      const std::size_t first = k45::groups * b;
      std::uint8_t of_scales[k45::groups], of_leasts[k45::groups];
      for (std::size_t g = 0; g < k45::groups; ++g) {
        of_scales[g] = scale_codes[g][b];
        of_leasts[g] = least_codes[g][b];
      }
      store_f16(out, scales[b]);
      store_f16(out + 2, leasts[b]);
      k45::store_group_codes(of_scales, of_leasts, out + 4);
      if ((sound >> b & 1) == 0 || !finish<Bits>(block, fits.inverse + first, fits.least + first, out))
        Bits::encode_weighted_portable(block, importance + super_elements * b, out, super_elements);
    }
  }

  template <class Bits>
  static void encode_weighted(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
    const std::size_t in_lanes = n / (blocks * super_elements) * blocks;
    for (std::size_t b = 0; b < in_lanes; b += lanes)
      encode_weighted_blocks<Bits>(src + super_elements * b, importance + super_elements * b, dst + Bits::bytes * b,
                                   in_lanes - b < lanes ? in_lanes - b : lanes);
    const std::size_t done = super_elements * in_lanes;
    if (done < n)
      Bits::encode_weighted_portable(src + done, importance + done, dst + Bits::bytes * in_lanes, n - done);
  }
};

}  // namespace heirloom::kernels::simd
