// The first fit of iq2_xxs: fit_positive of blocks_search.hpp for eight groups of 32 at once, a group to a lane. Some
// numbers are negative, and the reference keeps codes as bytes: -1 becomes 255.
#pragma once

#include "engine/kernels/simd/groups.hpp"
#include "engine/kernels/simd/symmetric.hpp"

namespace heirloom::kernels::simd {

template <class V>
struct FirstFit {
  static constexpr std::size_t n = 32;
  using F = typename V::F;
  using M = typename V::M;

  F x[n], weights[n], codes[n];
  F xq, qq;
  M is_sound;

  static F top() { return V::all(4.0f); }
  static F as_byte(F code) { return V::select(code < V::all(0.0f), code + V::all(256.0f), code); }

  template <bool is_first>
  F error_of(F inverse) const {
    const F scale = V::all(1.0f) / inverse;
    F error = V::all(0.0f);
    for (std::size_t i = 0; i < n; ++i) {
      const F code = V::round(inverse * x[i]);
      const F difference = x[i] - scale * (is_first ? as_byte(code) : V::min(code, top()));
      error = error + weights[i] * difference * difference;
    }
    return error;
  }

  F best_inverse(F largest) const {
    F best = top() / largest;
    F best_error = error_of<true>(best);
    for (int trial = -4; trial <= 4; ++trial) {
      if (trial == 0)
        continue;
      const F inverse = (V::all(0.1f * static_cast<float>(trial)) + top()) / largest;
      const F error = error_of<false>(inverse);
      best = V::select(error < best_error, inverse, best);
      best_error = V::select(error < best_error, error, best_error);
    }
    return best;
  }

  M improve(std::size_t i) {
    const F zero = V::all(0.0f);
    const F w = weights[i], wx = w * x[i], code = codes[i];
    F new_xq = xq - wx * code;
    F new_qq = qq - w * code * code;
    const M is_open = (new_xq > zero) & (new_qq > zero);
    const F quotient = V::select(is_open, x[i] * new_qq / new_xq, zero);
    is_sound = is_sound & (V::abs(quotient) < V::all(200.0f));
    const F wanted = V::min(V::round(quotient), top());
    new_xq = new_xq + wx * wanted;
    new_qq = new_qq + w * wanted * wanted;
    const M is_better = is_open & (wanted != code) & (new_xq * new_xq * qq > xq * xq * new_qq);
    codes[i] = V::select(is_better, as_byte(wanted), code);
    xq = V::select(is_better, new_xq, xq);
    qq = V::select(is_better, new_qq, qq);
    return is_better;
  }

  F scale(F largest) {
    const F zero = V::all(0.0f);
    is_sound = zero == zero;
    for (std::size_t i = 0; i < n; ++i) is_sound = is_sound & (x[i] > V::all(-40.0f) * largest);
    const F inverse = best_inverse(largest);
    xq = zero;
    qq = zero;
    for (std::size_t i = 0; i < n; ++i) {
      const F code = V::min(V::round(inverse * x[i]), top());
      xq = xq + weights[i] * x[i] * code;
      qq = qq + weights[i] * code * code;
      codes[i] = as_byte(code);
    }
    for (int round = 0; round < 5; ++round) {
      M has_changed = zero != zero;
      for (std::size_t i = 0; i < n; ++i) has_changed = has_changed | improve(i);
      if (!V::any(has_changed))
        break;
    }
    return V::select(qq > zero, xq / qq, zero);
  }
};

// Of the eight groups of a block; groups that count as zero have any scale. False where the portable code is to be
// asked.
template <class V>
static inline bool fit_first(const float* magnitudes, const float* weights, const float* largest, float* scales) {
  FirstFit<V> fit;
  load_groups<V>(magnitudes, FirstFit<V>::n, fit.x);
  load_groups<V>(weights, FirstFit<V>::n, fit.weights);
  const auto most = V::load(largest);
  const auto scale = fit.scale(most);
  V::store(scales, scale);
  const auto is_zero = most < V::all(smallest_group);
  // The levels of the trials, for numbers of the size of the largest, are near those of the first fit.
  const auto is_sound = is_zero | (fit.is_sound & ((scale * V::all(0x1p14f) > most) | (scale == V::all(0.0f))));
  return V::bits(is_sound) == (1u << V::lanes) - 1;
}

}  // namespace heirloom::kernels::simd
