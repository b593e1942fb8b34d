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
  static constexpr std::size_t group = q6k::group, groups = q6k::groups;
  static_assert(V::lanes == groups);

  static bool store(const float* x, const KeptFits<V>& fits, std::uint8_t* dst) {
    if (fits.moderate != 0xffff)
      return false;
    if (!q6k::store_scales(fits.scale, dst)) {
      for (std::size_t i = 0; i < q6k::bytes; ++i) dst[i] = 0;
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
    for (std::size_t i = 0; i < n; i += super_elements, dst += q6k::bytes)
      if (!store(src + i, fit(src + i, nullptr), dst))
        encode_q6_k(src + i, dst, super_elements);
  }

  static void encode_weighted(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; i += super_elements, dst += q6k::bytes)
      if (!store(src + i, fit(src + i, importance + i), dst))
        encode_weighted_q6_k(src + i, importance + i, dst, super_elements);
  }
};

}  // namespace heirloom::kernels::simd
