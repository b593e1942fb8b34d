// fit_positive of blocks_search.hpp for V::lanes groups at once, a group to a lane. See lanes_avx2.hpp for V.
#pragma once

#include "engine/kernels/simd/symmetric.hpp"

namespace heirloom::kernels::simd {

// Where is_sound is not set the lanes' arithmetic may differ from the reference's, which then has to be asked.
template <class V, std::size_t n>
struct PositiveFit {
  typename V::F scale;
  typename V::F codes[n];
  typename V::M is_sound;
};

// The state of the stepwise improvement: sums of w * x * q and w * q * q.
template <class V>
struct PositiveSums {
  typename V::F xq, qq;
};

// improve_positive of blocks_search.cpp; lanes whose number would be rounded wrongly lose is_sound.
template <class V>
static inline typename V::M improve_positive(typename V::F x, typename V::F w, typename V::F top, PositiveSums<V>& sums,
                                             typename V::F& code, typename V::M& is_sound) {
  const auto zero = V::all(0.0f);
  const auto wx = w * x;
  auto xq = sums.xq - wx * code;
  auto qq = sums.qq - w * code * code;
  const auto is_open = (xq > zero) & (qq > zero);
  const auto quotient = x * qq / xq;
  is_sound = is_sound & (V::select(is_open, quotient, zero) < V::all(0x1p21f));
  const auto wanted = V::min(V::round(quotient), top);
  xq = xq + wx * wanted;
  qq = qq + w * wanted * wanted;
  const auto is_better = is_open & (wanted != code) & (xq * xq * sums.qq > sums.xq * sums.xq * qq);
  code = V::select(is_better, wanted, code);
  sums.xq = V::select(is_better, xq, sums.xq);
  sums.qq = V::select(is_better, qq, sums.qq);
  return is_better;
}

template <class V, std::size_t n>
static inline typename V::F best_positive_inverse(const typename V::F* x, const typename V::F* weights,
                                                  typename V::F top, typename V::F largest) {
  using F = typename V::F;
  const auto error_of = [&](F inverse) {
    const F scale = V::all(1.0f) / inverse;
    F error = V::all(0.0f);
    for (std::size_t i = 0; i < n; ++i) {
      const F difference = x[i] - scale * V::min(V::round(inverse * x[i]), top);
      error = error + weights[i] * difference * difference;
    }
    return error;
  };
  F best = top / largest;
  F best_error = error_of(best);
  for (int trial = -4; trial <= 4; ++trial) {
    if (trial == 0)
      continue;
    const F inverse = (V::all(0.1f * static_cast<float>(trial)) + top) / largest;
    const F error = error_of(inverse);
    best = V::select(error < best_error, inverse, best);
    best_error = V::select(error < best_error, error, best_error);
  }
  return best;
}

// x and weights: n of each, lane g belongs to group g.
template <class V, std::size_t n>
static inline PositiveFit<V, n> fit_positive(const typename V::F* x, const typename V::F* weights, int levels) {
  using F = typename V::F;
  using M = typename V::M;
  const F zero = V::all(0.0f), top = V::all(static_cast<float>(levels));
  F largest = zero;
  M is_positive = zero == zero;
  for (std::size_t i = 0; i < n; ++i) {
    largest = V::max(x[i], largest);
    is_positive = is_positive & (x[i] >= zero);
  }
  const M is_zero = largest < V::all(smallest_group);
  PositiveFit<V, n> fit;
  fit.is_sound = is_positive & are_moderate<V>(x, n);
  const F inverse = best_positive_inverse<V, n>(x, weights, top, largest);
  PositiveSums<V> sums{zero, zero};
  for (std::size_t i = 0; i < n; ++i) {
    fit.codes[i] = V::min(V::round(inverse * x[i]), top);
    sums.xq = sums.xq + weights[i] * x[i] * fit.codes[i];
    sums.qq = sums.qq + weights[i] * fit.codes[i] * fit.codes[i];
  }
  for (int round = 0; round < 5; ++round) {
    M has_changed = zero != zero;
    for (std::size_t i = 0; i < n; ++i)
      has_changed = has_changed | improve_positive<V>(x[i], weights[i], top, sums, fit.codes[i], fit.is_sound);
    if (!V::any(has_changed))
      break;
  }
  fit.scale = V::select(is_zero, zero, V::select(sums.qq > zero, sums.xq / sums.qq, zero));
  for (std::size_t i = 0; i < n; ++i) fit.codes[i] = V::select(is_zero, zero, fit.codes[i]);
  fit.is_sound = fit.is_sound | (is_zero & is_positive);
  return fit;
}

}  // namespace heirloom::kernels::simd
