// fit_symmetric and fit_positive of blocks_search.hpp for V::lanes groups at once, a group to a lane: each lane keeps
// the reference's order of operations, so its bits are the reference's. See lanes_avx2.hpp for V.
#pragma once

#include "engine/kernels/blocks_search.hpp"

// Vectors passed to a function that is not expanded in place would go through memory.
#define HEIRLOOM_INLINE [[gnu::always_inline]] static inline
#define HEIRLOOM_INLINE_MEMBER [[gnu::always_inline]] inline

namespace heirloom::kernels::simd {

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

// Whether all n numbers are finite and so far from overflow that products of three stay finite.
template <class V>
static inline typename V::M are_moderate(const typename V::F* x, std::size_t n) {
  auto moderate = V::abs(x[0]) < V::all(0x1p40f);
  for (std::size_t i = 1; i < n; ++i) moderate = moderate & (V::abs(x[i]) < V::all(0x1p40f));
  return moderate;
}

template <class V>
struct SymmetricFit {
  typename V::F scale;
  typename V::F inverse;  // with which the codes were made: clamp(nearest(inverse * x), -levels, levels - 1)
};

template <class V>
struct SymmetricSums {
  typename V::F xq, qq;
};

template <class V, std::size_t n, int levels, bool is_limited>
HEIRLOOM_INLINE SymmetricSums<V> symmetric_sums(const typename V::F* x, const typename V::F* w, const typename V::F* wx,
                                                typename V::F inverse) {
  SymmetricSums<V> sums{V::all(0.0f), V::all(0.0f)};
  for (std::size_t i = 0; i < n; ++i) {
    auto code = V::round(inverse * x[i]);
    if constexpr (is_limited)
      code = V::min(V::max(code, V::all(static_cast<float>(-levels))), V::all(static_cast<float>(levels - 1)));
    sums.xq = sums.xq + wx[i] * code;
    sums.qq = sums.qq + w[i] * code * code;
  }
  return sums;
}

// x: n numbers of each group; weights: as many, or null for squares of the numbers. Groups whose magnitudes are all
// below smallest_group have scale and inverse 0. Right for moderate numbers.
template <class V, std::size_t n, int levels>
static inline SymmetricFit<V> fit_symmetric(const typename V::F* x, const typename V::F* weights) {
  using F = typename V::F;
  using M = typename V::M;
  const Extremes<V> extremes = extremes_of<V>(x, n);
  const F zero = V::all(0.0f);
  F w[n], wx[n], least = zero, most = zero;
  for (std::size_t i = 0; i < n; ++i) {
    w[i] = weights != nullptr ? weights[i] : x[i] * x[i];
    wx[i] = w[i] * x[i];
    least = V::min(x[i], least);
    most = V::max(x[i], most);
  }
  // Of the sign that the extreme does not have; its code is the largest.
  const F opposite = V::select(extremes.value > zero, least, most);
  // With few levels some code is beyond them nearly always.
  const auto sums_of = [&](F inverse) {
    constexpr float top = static_cast<float>(levels);
    if (levels <= 4 || V::any((inverse * opposite >= V::all(top - 0.5f)) | (inverse * extremes.value <= V::all(-top - 0.5f))))
      return symmetric_sums<V, n, levels, true>(x, w, wx, inverse);
    return symmetric_sums<V, n, levels, false>(x, w, wx, inverse);
  };
  F inverse = V::all(static_cast<float>(-levels)) / extremes.value;
  const SymmetricSums<V> start = sums_of(inverse);
  F scale = V::select(start.qq != zero, start.xq / start.qq, zero);
  F best = scale * start.xq;
  for (int trial = -9; trial <= 9; ++trial) {
    if (trial == 0)
      continue;
    const F wanted = V::all(-(static_cast<float>(levels) + 0.1f * static_cast<float>(trial))) / extremes.value;
    const SymmetricSums<V> sums = sums_of(wanted);
    const M is_better = (sums.qq > zero) & (sums.xq * sums.xq > best * sums.qq);
    if (!V::any(is_better))
      continue;
    const F new_scale = sums.xq / sums.qq;
    inverse = V::select(is_better, wanted, inverse);
    scale = V::select(is_better, new_scale, scale);
    best = V::select(is_better, new_scale * sums.xq, best);
  }
  const M is_zero = extremes.magnitude < V::all(smallest_group);
  return {V::select(is_zero, zero, scale), V::select(is_zero, zero, inverse)};
}

}  // namespace heirloom::kernels::simd
