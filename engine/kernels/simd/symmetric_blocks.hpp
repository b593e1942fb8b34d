// q3_k and q6_k with V::lanes groups at once. See lanes_avx2.hpp for V; blocks_k23.hpp and blocks_q6_k.hpp for the
// layouts.
#pragma once

#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_k23.hpp"
#include "engine/kernels/blocks_q6_k.hpp"
#include "engine/kernels/simd/groups.hpp"
#include "engine/kernels/simd/stepwise.hpp"
#include "engine/kernels/simd/symmetric.hpp"

namespace heirloom::kernels::simd {

// Rounds a block's weights to the scales of its groups: q = levels + code. A group whose scale is zero keeps what its
// fit found; `inverse` is that fit's, zero for groups of zeros, whose q is 0. False where that takes other arithmetic.
template <class V, int levels>
static inline bool round_to_scales(const float* x, const float* scales, const float* inverses, std::uint8_t* q) {
  constexpr std::size_t group = 16;
  const auto magic = V::all(nearest_magic);
  const auto low = V::all(nearest_magic - levels), high = V::all(nearest_magic + levels - 1);
  auto is_sound = low == low;
  for (std::size_t g = 0; g < super_elements / group; ++g) {
    const bool is_zero = scales[g] == 0.0f;
    for (std::size_t i = group * g; i < group * (g + 1); i += V::lanes) {
      const auto value =
          is_zero ? V::all(inverses[g]) * V::load(x + i) : V::load(x + i) / V::all(scales[g]);
      is_sound = is_sound & (V::abs(value) < V::all(0x1p21f));
      const auto code = V::min(V::max(value + magic, low), high);
      V::store_u8(q + i, (V::as_int(code) + V::all(levels)) & V::all(2 * levels - 1));
    }
    if (is_zero && inverses[g] == 0.0f)
      for (std::size_t i = group * g; i < group * (g + 1); ++i) q[i] = 0;
  }
  return !V::any(is_sound ^ (low == low));
}

// The fits of V::lanes groups in memory, a group to an element.
template <class V>
struct KeptFits {
  float scale[V::lanes], inverse[V::lanes];
  std::uint32_t moderate;  // bit g: the numbers of group g are

  void keep(typename V::F scales, typename V::F inverses, typename V::M are_moderate_groups) {
    V::store(scale, scales);
    V::store(inverse, inverses);
    moderate = V::bits(are_moderate_groups);
  }
};

template <class V>
struct Q6K {
  using F = typename V::F;
  static constexpr std::size_t group = q6k::group, groups = q6k::groups, bytes = q6k::bytes;
  static_assert(V::lanes == groups);

  static bool store(const float* x, const KeptFits<V>& fits, std::uint8_t* dst) {
    if (fits.moderate != 0xffff)
      return false;
    if (!q6k::store_scales(fits.scale, dst)) {
      for (std::size_t i = 0; i < bytes; ++i) dst[i] = 0;
      return true;
    }
    const float scale = load_f16(dst + q6k::scale_at);
    float scales[groups];
    for (std::size_t g = 0; g < groups; ++g) scales[g] = q6k::group_scale(dst, scale, g);
    std::uint8_t q[super_elements];
    if (!round_to_scales<V, 32>(x, scales, fits.inverse, q))
      return false;
    q6k::store_codes(reinterpret_cast<const std::int8_t*>(q), dst);
    return true;
  }

  static KeptFits<V> fit(const float* src, const float* importance) {
    F x[group], weights[group];
    load_groups<V>(src, group, x);
    if (importance != nullptr)
      load_groups<V>(importance, group, weights);
    const SymmetricFit<V> fit = fit_symmetric<V, group, 32>(x, importance != nullptr ? weights : nullptr);
    KeptFits<V> kept;
    kept.keep(fit.scale, fit.inverse, are_moderate<V>(x, group));
    return kept;
  }

  static void encode(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; i += super_elements, dst += bytes)
      if (!store(src + i, fit(src + i, nullptr), dst))
        encode_q6_k(src + i, dst, super_elements);
  }

  static void encode_weighted(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; i += super_elements, dst += bytes)
      if (!store(src + i, fit(src + i, importance + i), dst))
        encode_weighted_q6_k(src + i, importance + i, dst, super_elements);
  }
};

// With an importance the group scales are fitted in turn, V::lanes blocks at once.
template <class V>
struct Q3K {
  using F = typename V::F;
  static constexpr std::size_t group = k23::group, groups = k23::groups, bytes = k23::q3_k_bytes;
  static constexpr std::size_t lanes = V::lanes;
  static_assert(lanes == groups);

  static bool store_codes(const float* x, const float* inverses, std::uint8_t* dst) {
    const float scale = load_f16(dst + 108);
    float scales[groups];
    for (std::size_t g = 0; g < groups; ++g)
      scales[g] = scale * static_cast<float>(k23::load_group_code(dst + 96, g) - 32);
    std::uint8_t q[super_elements];
    if (!round_to_scales<V, 4>(x, scales, inverses, q))
      return false;
    k23::store_q3_k_codes(q, dst);
    return true;
  }

  // The group codes of `lanes` blocks whose fits and sums of weights these are. Bit b of the result: block b is sound.
  static std::uint32_t fit_scales(const float* group_scales, const float* sums, float* scales,
                                  std::uint8_t (*codes)[lanes]) {
    F x[groups], weights[groups];
    load_groups<V>(group_scales, groups, x);
    load_groups<V>(sums, groups, weights);
    const SymmetricFit<V> fit = fit_symmetric<V, groups, 32>(x, weights);
    V::store(scales, fit.scale);
    const F low = V::all(-32.0f), high = V::all(31.0f), zero = V::all(0.0f);
    for (std::size_t g = 0; g < groups; ++g) {
      const F code = V::min(V::max(V::round(fit.inverse * x[g]), low), high) + V::all(32.0f);
      V::store_u8(codes[g], V::truncate(V::select(fit.inverse != zero, code, zero)));
    }
    return V::bits(are_moderate<V>(x, groups));
  }

  // At most `lanes` blocks.
  static void encode_weighted_blocks(const float* src, const float* importance, std::uint8_t* dst, std::size_t count) {
    float scale[lanes * groups] = {}, inverse[lanes * groups], sums[lanes * groups] = {}, scales[lanes];
    std::uint8_t codes[groups][lanes];
    float variances[lanes];
    sum_squares<V>(src, count, super_elements, variances);
    std::uint32_t sound = 0;
    for (std::size_t b = 0; b < count; ++b) {
      F x[group], weights[group];
      load_groups<V>(src + super_elements * b, group, x);
      const float variance = 2.0f * variances[b] / 256.0f;
      weigh_groups<V>(x, importance + super_elements * b, V::all(variance), group, weights);
      V::store(sums + groups * b, sum_of_each<V>(weights, group));
      const SymmetricFit<V> fit = fit_symmetric<V, group, 4>(x, weights);
      V::store(scale + groups * b, fit.scale);
      V::store(inverse + groups * b, fit.inverse);
      sound |= static_cast<std::uint32_t>(V::bits(are_moderate<V>(x, group)) == 0xffff) << b;
    }
    sound &= fit_scales(scale, sums, scales, codes);
    for (std::size_t b = 0; b < count; ++b) {
      const float* block = src + super_elements * b;
      std::uint8_t* out = dst + bytes * b;
      std::uint8_t of_block[groups];
      for (std::size_t g = 0; g < groups; ++g) of_block[g] = codes[g][b];
      k23::store_group_codes(of_block, out + 96);
      store_f16(out + 108, scales[b]);
      if ((sound >> b & 1) == 0 || !store_codes(block, inverse + groups * b, out))
        encode_weighted_q3_k(block, importance + super_elements * b, out, super_elements);
    }
  }

  static void encode_weighted(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
    const std::size_t blocks = n / super_elements;
    for (std::size_t b = 0; b < blocks; b += lanes)
      encode_weighted_blocks(src + super_elements * b, importance + super_elements * b, dst + bytes * b,
                             blocks - b < lanes ? blocks - b : lanes);
  }

  // The codes of the fits are needed only where a group's scale is zero, which is left to the portable row.
  static bool encode_block(const float* src, std::uint8_t* dst) {
    F x[group];
    load_groups<V>(src, group, x);
    const StepwiseFit<V> fit = fit_stepwise<V, group, 4>(x);
    float scales[groups];
    V::store(scales, fit.scale);
    k23::store_q3_k_scales(scales, dst);
    const float scale = load_f16(dst + 108);
    bool is_sound = V::bits(are_moderate<V>(x, group) & fit.is_sound) == 0xffff;
    for (std::size_t g = 0; g < groups; ++g)
      is_sound = is_sound && scale * static_cast<float>(k23::load_group_code(dst + 96, g) - 32) != 0.0f;
    return is_sound && store_codes(src, scales, dst);
  }

  static void encode(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; i += super_elements, dst += bytes)
      if (!encode_block(src + i, dst))
        encode_q3_k(src + i, dst, super_elements);
  }
};

}  // namespace heirloom::kernels::simd
