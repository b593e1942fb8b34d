// q2_k, q4_k and q5_k with V::lanes groups at once. See lanes_avx2.hpp for V; blocks_k23.hpp and blocks_k45.hpp for the
// layouts.
#pragma once

#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_k23.hpp"
#include "engine/kernels/blocks_k45.hpp"
#include "engine/kernels/simd/affine.hpp"
#include "engine/kernels/simd/groups.hpp"
#include "engine/kernels/simd/positive.hpp"

namespace heirloom::kernels::simd {

struct GroupLine {
  float scale, least;
};

// What differs among the layouts.
template <class Bits>
struct K45Layout {
  static constexpr std::size_t group = k45::group, groups = k45::groups, bytes = Bits::bytes;
  static constexpr int levels = Bits::levels;
  static constexpr int value_levels = 63;
  static constexpr float variance_factor = 2.0f;
  static constexpr Deviation deviation = Deviation::squared;
  static constexpr auto encode_portable = Bits::encode_portable;
  static constexpr auto encode_weighted_portable = Bits::encode_weighted_portable;
  static Trials trials() { return Bits::trials(); }

  // Weights of numbers without an importance.
  template <class V>
  static void weigh(const typename V::F* x, typename V::F* weights) {
    auto squares = V::all(0.0f);
    for (std::size_t i = 0; i < group; ++i) squares = squares + x[i] * x[i];
    const auto deviation_of_group = V::sqrt(squares / V::all(32.0f));
    for (std::size_t i = 0; i < group; ++i) weights[i] = deviation_of_group + V::abs(x[i]);
  }
  static void store_values(const float* scales, const float* leasts, std::uint8_t* dst) {
    std::uint8_t scale_codes[groups], least_codes[groups];
    k45::store_group_values(scales, scale_codes, dst);
    k45::store_group_values(leasts, least_codes, dst + 2);
    k45::store_group_codes(scale_codes, least_codes, dst + 4);
  }
  static void store_fitted(float scale, const std::uint8_t* scale_codes, float least, const std::uint8_t* least_codes,
                           std::uint8_t* dst) {
    store_f16(dst, scale);
    store_f16(dst + 2, least);
    k45::store_group_codes(scale_codes, least_codes, dst + 4);
  }
  static GroupLine line(const std::uint8_t* src, float scale, float least, std::size_t g) {
    const k45::GroupCodes codes = k45::load_group_codes(src + 4, g);
    return {scale * static_cast<float>(codes.scale), least * static_cast<float>(codes.least)};
  }
  static GroupLine block_line(const std::uint8_t* src) { return {load_f16(src), load_f16(src + 2)}; }
  static void store_codes(const std::uint8_t* q, std::uint8_t* dst) { k45::store_codes<Bits>(q, dst); }
};

namespace {

struct Q2KLayout {
  static constexpr std::size_t group = k23::group, groups = k23::groups, bytes = k23::q2_k_bytes;
  static constexpr int levels = 3;
  static constexpr int value_levels = 15;
  static constexpr float variance_factor = 1.0f;
  static constexpr Deviation deviation = Deviation::absolute;
  static constexpr auto encode_portable = encode_q2_k;
  static constexpr auto encode_weighted_portable = encode_weighted_q2_k;
  static Trials trials() { return k23::q2_k_trials(); }

  template <class V>
  static void weigh(const typename V::F* x, typename V::F* weights) {
    for (std::size_t i = 0; i < group; ++i) weights[i] = V::abs(x[i]);
  }
  static void store_values(const float* scales, const float* leasts, std::uint8_t* dst) {
    k23::store_q2_k_values(scales, leasts, dst);
  }
  static void store_fitted(float scale, const std::uint8_t* scale_codes, float least, const std::uint8_t* least_codes,
                           std::uint8_t* dst) {
    k23::store_q2_k_fitted(scale, scale_codes, least, least_codes, dst);
  }
  static GroupLine line(const std::uint8_t* src, float scale, float least, std::size_t g) {
    return {scale * static_cast<float>(src[g] & 15), least * static_cast<float>(src[g] >> 4)};
  }
  static GroupLine block_line(const std::uint8_t* src) { return {load_f16(src + 80), load_f16(src + 82)}; }
  static void store_codes(const std::uint8_t* q, std::uint8_t* dst) { k23::store_two_bits(q, dst + 16); }
};

}  // namespace

template <class V, class Layout>
struct AffineBlocks {
  using F = typename V::F;
  using Group = AffineFit<V>;
  static constexpr std::size_t lanes = V::lanes;
  static constexpr std::size_t group = Layout::group, groups = Layout::groups, bytes = Layout::bytes;
  static constexpr std::size_t blocks = lanes / groups;  // of one batch of groups
  static constexpr std::uint32_t block_bits = (1u << groups) - 1;
  static_assert(lanes % groups == 0 && lanes <= 16);

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
        sound |= static_cast<std::uint32_t>((bits >> (groups * b) & block_bits) == block_bits) << (first / groups + b);
    }
  };

  // finish() of blocks_k45.cpp: rounds the weights to the stored scales. False where that takes other arithmetic.
  static bool finish(const float* x, const float* inverse, const float* least, std::uint8_t* dst) {
    const GroupLine block = Layout::block_line(dst);
    const F low = V::all(nearest_magic), high = V::all(nearest_magic + Layout::levels);
    std::uint8_t q[super_elements];
    auto is_sound = low == low;
    for (std::size_t g = 0; g < groups; ++g) {
      const GroupLine line = Layout::line(dst, block.scale, block.least, g);
      const bool is_zero = line.scale == 0.0f;
      for (std::size_t i = group * g; i < group * (g + 1); i += lanes) {
        const F value = is_zero ? V::all(inverse[g]) * (V::load(x + i) - V::all(least[g]))
                                : (V::load(x + i) + V::all(line.least)) / V::all(line.scale);
        is_sound = is_sound & (V::abs(value) < V::all(0x1p21f));
        const F code = V::min(V::max(value + low, low), high);
        V::store_u8(q + i, V::as_int(code) & V::all(63));
      }
    }
    Layout::store_codes(q, dst);
    return !V::any(is_sound ^ (low == low));
  }

  static void encode_batch(const float* src, std::uint8_t* dst) {
    F x[group], weights[group];
    load_groups<V>(src, group, x);
    Layout::template weigh<V>(x, weights);
    Fits<lanes> fits;
    fits.keep(0, fit_affine<V, group, Layout::deviation>(x, weights, Layout::levels, Layout::trials()));
    for (std::size_t b = 0; b < blocks; ++b) {
      const float* block = src + super_elements * b;
      std::uint8_t* out = dst + bytes * b;
      const std::size_t first = groups * b;
      Layout::store_values(fits.scale + first, fits.minus_min + first, out);
      if ((fits.sound >> b & 1) == 0 || !finish(block, fits.inverse + first, fits.least + first, out))
        Layout::encode_portable(block, out, super_elements);
    }
  }

  static void encode(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
    constexpr std::size_t step = blocks * super_elements;
    std::size_t i = 0;
    for (; i + step <= n; i += step) encode_batch(src + i, dst + i / super_elements * bytes);
    if (i < n)
      Layout::encode_portable(src + i, dst + i / super_elements * bytes, n - i);
  }

  // One batch of groups with an importance: their fits, and the sums of their weights.
  template <std::size_t count>
  static void fit_weighted(const float* src, const float* importance, const float* variances, std::size_t first,
                           Fits<count>& fits, float* sums) {
    F x[group], weights[group];
    load_groups<V>(src, group, x);
    weigh_groups<V>(x, importance, repeat_each<V>(variances, groups), group, weights);
    V::store(sums + first, sum_of_each<V>(weights, group));
    fits.keep(first, fit_affine<V, group, Deviation::squared>(x, weights, Layout::levels, weighted_trials()));
  }

  // Codes of the group values of `lanes` blocks, and their block scales: codes[g][b] is group g's of block b.
  static std::uint32_t fit_values(const float* values, const F* sums, float* scales, std::uint8_t (*codes)[lanes]) {
    F x[groups];
    load_groups<V>(values, groups, x);
    const auto fit = fit_positive<V, groups>(x, sums, Layout::value_levels);
    V::store(scales, fit.scale);
    for (std::size_t g = 0; g < groups; ++g) V::store_u8(codes[g], V::truncate(fit.codes[g]));
    return V::bits(fit.is_sound);
  }

  // At most `lanes` blocks, a multiple of `blocks`.
  static void encode_weighted_blocks(const float* src, const float* importance, std::uint8_t* dst, std::size_t count) {
    constexpr std::size_t all_groups = lanes * groups;
    Fits<all_groups> fits;
    float sums[all_groups] = {}, variances[lanes], scales[lanes], leasts[lanes];
    std::uint8_t scale_codes[groups][lanes], least_codes[groups][lanes];
    sum_squares<V>(src, count, super_elements, variances);
    for (std::size_t b = 0; b < count; ++b) variances[b] = Layout::variance_factor * variances[b] / 256.0f;
    for (std::size_t b = 0; b < count; b += blocks)
      fit_weighted(src + super_elements * b, importance + super_elements * b, variances + b, groups * b, fits,
                         sums);
    F weights[groups];
    load_groups<V>(sums, groups, weights);
    std::uint32_t sound = fits.sound;
    sound &= fit_values(fits.scale, weights, scales, scale_codes);
    sound &= fit_values(fits.minus_min, weights, leasts, least_codes);
    for (std::size_t b = 0; b < count; ++b) {
      const float* block = src + super_elements * b;
      std::uint8_t* out = dst + bytes * b;
      const std::size_t first = groups * b;
      std::uint8_t of_scales[groups], of_leasts[groups];
      for (std::size_t g = 0; g < groups; ++g) {
        of_scales[g] = scale_codes[g][b];
        of_leasts[g] = least_codes[g][b];
      }
      Layout::store_fitted(scales[b], of_scales, leasts[b], of_leasts, out);
      if ((sound >> b & 1) == 0 || !finish(block, fits.inverse + first, fits.least + first, out))
        Layout::encode_weighted_portable(block, importance + super_elements * b, out, super_elements);
    }
  }

  static void encode_weighted(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
    const std::size_t in_lanes = n / (blocks * super_elements) * blocks;
    for (std::size_t b = 0; b < in_lanes; b += lanes)
      encode_weighted_blocks(src + super_elements * b, importance + super_elements * b, dst + bytes * b,
                                   in_lanes - b < lanes ? in_lanes - b : lanes);
    const std::size_t done = super_elements * in_lanes;
    if (done < n)
      Layout::encode_weighted_portable(src + done, importance + done, dst + bytes * in_lanes, n - done);
  }
};

}  // namespace heirloom::kernels::simd
