// fit_symmetric and fit_positive of blocks_search.hpp for V::lanes groups at once, a group to a lane: each lane keeps
// the reference's order of operations, so its bits are the reference's. See lanes_avx2.hpp for V.
#pragma once

#include "engine/kernels/blocks_search.hpp"

namespace heirloom::kernels::simd {

// Adding 1.5 * 2^23 and taking it away again rounds to the nearest integer, ties to even, as nearest() does, for
// magnitudes below 2^22.
constexpr float nearest_magic = 12582912.0f;

template <class V>
static inline typename V::F nearest_number(typename V::F value) {
  return value + V::all(nearest_magic) - V::all(nearest_magic);
}

// The first number of largest magnitude, with its sign.
template <class V>
struct Extremes {
  typename V::F value, magnitude;
};

template <class V>
static inline Extremes<V> extremes_of(const typename V::F* x, std::size_t n) {
  Extremes<V> extremes{V::all(0.0f), V::all(0.0f)};
  for (std::size_t i = 0; i < n; ++i) {
    const auto magnitude = V::abs(x[i]);
    extremes.value = V::select(magnitude > extremes.magnitude, x[i], extremes.value);
    extremes.magnitude = V::max(magnitude, extremes.magnitude);
  }
  return extremes;
}

// Whether magnitudes are finite and so far from overflow that products of three stay finite.
template <class V>
static inline typename V::M is_moderate(typename V::F magnitude) {
  return magnitude < V::all(0x1p40f);
}

template <class V>
struct SymmetricFit {
  typename V::F scale;
  typename V::F inverse;  // with which the codes were made: clamp(nearest(inverse * x), -levels, levels - 1)
};

// x: n numbers of each group; weights: as many, or null for squares of the numbers. Groups whose magnitudes are all
// below smallest_group have scale and inverse 0. Right for moderate magnitudes.
template <class V, std::size_t n, int levels>
static inline SymmetricFit<V> fit_symmetric(const typename V::F* x, const typename V::F* weights) {
  using F = typename V::F;
  using M = typename V::M;
  const Extremes<V> extremes = extremes_of<V>(x, n);
  const M is_zero = extremes.magnitude < V::all(smallest_group);
  const F low = V::all(static_cast<float>(-levels)), high = V::all(static_cast<float>(levels - 1));
  const F zero = V::all(0.0f);
  F w[n], wx[n];
  for (std::size_t i = 0; i < n; ++i) {
    w[i] = weights != nullptr ? weights[i] : x[i] * x[i];
    wx[i] = w[i] * x[i];
  }
  const auto sums_of = [&](F inverse, F& xq, F& qq) {
    xq = zero;
    qq = zero;
    for (std::size_t i = 0; i < n; ++i) {
      const F code = V::min(V::max(nearest_number<V>(inverse * x[i]), low), high);
      xq = xq + wx[i] * code;
      qq = qq + w[i] * code * code;
    }
  };
  F xq, qq;
  F inverse = low / extremes.value;
  sums_of(inverse, xq, qq);
  F scale = V::select(qq != zero, xq / qq, zero);
  F best = scale * xq;
  for (int trial = -9; trial <= 9; ++trial) {
    if (trial == 0)
      continue;
    const F wanted = V::all(-(static_cast<float>(levels) + 0.1f * static_cast<float>(trial))) / extremes.value;
    sums_of(wanted, xq, qq);
    const M is_better = (qq > zero) & (xq * xq > best * qq);
    if (!V::any(is_better))
      continue;
    const F new_scale = xq / qq;
    inverse = V::select(is_better, wanted, inverse);
    scale = V::select(is_better, new_scale, scale);
    best = V::select(is_better, new_scale * xq, best);
  }
  return {V::select(is_zero, zero, scale), V::select(is_zero, zero, inverse)};
}

}  // namespace heirloom::kernels::simd
