// fit_affine of blocks_search.hpp for V::lanes groups at once, a group to a lane: each lane keeps the reference's order
// of operations, so its bits are the reference's. See lanes_avx2.hpp for V.
#pragma once

#include "engine/kernels/simd/symmetric.hpp"

namespace heirloom::kernels::simd {

// What is found for each group: the fit, and with what its codes were made, clamp(nearest(inverse * (x - least))).
// Where is_sound is not set the lanes' arithmetic may differ from the reference's, which then has to be asked.
template <class V>
struct AffineFit {
  using F = typename V::F;
  F scale, minus_min;
  F inverse, least;
  typename V::M is_sound;
};

// A difference of `range` is far from overflow and underflow, and `offset` at most a thousand times as large: then
// every number that is rounded is below 2^22, where nearest() is right.
template <class V>
static inline typename V::M is_sound_range(typename V::F range, typename V::F offset) {
  return (range > V::all(0x1p-90f)) & (range < V::all(0x1p90f)) & (offset <= range * V::all(1024.0f));
}

// The code of x, from 0 to `top`, as a number.
template <class V>
static inline typename V::F affine_code(typename V::F x, typename V::F inverse, typename V::F least, typename V::F top) {
  return V::min(V::max(V::round(inverse * (x - least)), V::all(0.0f)), top);
}

template <class V>
struct AffineSums {
  typename V::F q, qq, xq;
};

enum class Limits { none, low, both };

// Codes with this inverse, which go to `codes`, and their weighted sums. `limits`: those that any code may exceed.
template <class V, std::size_t n, Limits limits>
HEIRLOOM_INLINE AffineSums<V> affine_sums(const typename V::F* x, const typename V::F* weights, typename V::F inverse,
                                        typename V::F least, typename V::F top, typename V::F* codes) {
  AffineSums<V> sums{V::all(0.0f), V::all(0.0f), V::all(0.0f)};
  for (std::size_t i = 0; i < n; ++i) {
    auto code = V::round(inverse * (x[i] - least));
    if constexpr (limits != Limits::none)
      code = V::max(code, V::all(0.0f));
    if constexpr (limits == Limits::both)
      code = V::min(code, top);
    codes[i] = code;
    const auto weighted = weights[i] * code;
    sums.q = sums.q + weighted;
    sums.qq = sums.qq + weighted * code;
    sums.xq = sums.xq + weighted * x[i];
  }
  return sums;
}

// Products round monotonously, so the extremes tell whether any code needs its limit.
template <class V, std::size_t n>
HEIRLOOM_INLINE AffineSums<V> affine_sums(const typename V::F* x, const typename V::F* weights, typename V::F inverse,
                                        typename V::F least, typename V::F top, typename V::F* codes,
                                        typename V::F x_min, typename V::F x_max) {
  if (V::any(inverse * (x_max - least) >= top + V::all(0.5f)))
    return affine_sums<V, n, Limits::both>(x, weights, inverse, least, top, codes);
  if (V::any(inverse * (x_min - least) < V::all(-0.5f)))
    return affine_sums<V, n, Limits::low>(x, weights, inverse, least, top, codes);
  return affine_sums<V, n, Limits::none>(x, weights, inverse, least, top, codes);
}

template <class V, std::size_t n, Deviation deviation>
HEIRLOOM_INLINE typename V::F affine_error(const typename V::F* x, const typename V::F* weights, typename V::F scale,
                                         typename V::F min, const typename V::F* codes) {
  auto error = V::all(0.0f);
  for (std::size_t i = 0; i < n; ++i) {
    const auto difference = scale * codes[i] + min - x[i];
    if constexpr (deviation == Deviation::absolute)
      error = error + weights[i] * V::abs(difference);
    else
      error = error + weights[i] * (difference * difference);
  }
  return error;
}

// x and weights: n of each, lane g belongs to group g.
template <class V, std::size_t n, Deviation deviation>
static inline AffineFit<V> fit_affine(const typename V::F* x, const typename V::F* weights, int levels, Trials trials) {
  using F = typename V::F;
  using M = typename V::M;
  F x_min = x[0], max = x[0], sum_w = weights[0], sum_x = weights[0] * x[0];
  for (std::size_t i = 1; i < n; ++i) {
    x_min = V::min(x[i], x_min);
    max = V::max(x[i], max);
    sum_w = sum_w + weights[i];
    sum_x = sum_x + weights[i] * x[i];
  }
  const F zero = V::all(0.0f), top = V::all(static_cast<float>(levels));
  F min = V::select(x_min > zero, zero, x_min);
  const M is_flat = max == min;
  M is_sound = is_sound_range<V>(max - min, zero);
  const F flat_min = min;

  F codes[n];
  F inverse = top / (max - min);
  F least = min;
  F scale = V::all(1.0f) / inverse;
  for (std::size_t i = 0; i < n; ++i) codes[i] = affine_code<V>(x[i], inverse, least, top);
  F best_error = affine_error<V, n, deviation>(x, weights, scale, min, codes);
  for (int trial = 0; trial <= trials.count; ++trial) {
    const F wanted =
        V::all(trials.first + trials.step * static_cast<float>(trial) + static_cast<float>(levels)) / (max - min);
    const AffineSums<V> sums = affine_sums<V, n>(x, weights, wanted, min, top, codes, x_min, max);
    const F determinant = sum_w * sums.qq - sums.q * sums.q;
    F new_scale = (sum_w * sums.xq - sum_x * sums.q) / determinant;
    F new_min = (sums.qq * sum_x - sums.q * sums.xq) / determinant;
    const M is_above = new_min > zero;
    if (V::any(is_above)) {
      new_scale = V::select(is_above, sums.xq / sums.qq, new_scale);
      new_min = V::select(is_above, zero, new_min);
    }
    const F error = affine_error<V, n, deviation>(x, weights, new_scale, new_min, codes);
    const M is_better = (determinant > zero) & (error < best_error);
    if (!V::any(is_better))
      continue;
    best_error = V::select(is_better, error, best_error);
    inverse = V::select(is_better, wanted, inverse);
    least = V::select(is_better, min, least);
    scale = V::select(is_better, new_scale, scale);
    min = V::select(is_better, new_min, min);
    is_sound = is_sound & is_sound_range<V>(max - min, min - x_min);
  }
  AffineFit<V> fit;
  fit.scale = V::select(is_flat, zero, scale);
  fit.minus_min = V::negate(V::select(is_flat, flat_min, min));
  fit.inverse = V::select(is_flat, zero, inverse);
  fit.least = V::select(is_flat, zero, least);
  fit.is_sound = is_sound | is_flat;
  return fit;
}

}  // namespace heirloom::kernels::simd
