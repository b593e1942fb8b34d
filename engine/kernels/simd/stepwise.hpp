// fit_symmetric_stepwise of blocks_search.hpp for several times V::lanes groups at once, a group to a lane: the steps of
// one group wait for each other, so several vectors take turns. See lanes_avx2.hpp for V.
#pragma once

#include "engine/kernels/simd/symmetric.hpp"

namespace heirloom::kernels::simd {

// Where is_sound is not set the lanes' arithmetic may differ from the reference's, which then has to be asked.
template <class V, std::size_t n, int levels, std::size_t several>
struct StepwiseFits {
  typename V::F scale[several];
  typename V::M is_sound[several];
};

template <class V, int levels>
struct Stepwise {
  using F = typename V::F;
  using M = typename V::M;

  F xq, qq;  // sums of w * x * q and w * q * q, where w = x * x

  static F limited(F code) {
    return V::min(V::max(V::round(code), V::all(static_cast<float>(-levels))), V::all(static_cast<float>(levels - 1)));
  }

  // improve_symmetric of blocks_search.cpp.
  HEIRLOOM_INLINE_MEMBER M improve(F x, F& code, M& is_sound) {
    const F zero = V::all(0.0f);
    const F w = x * x;
    const F wx = w * x;
    F new_xq = xq - wx * code;
    F new_qq = qq - w * code * code;
    const M is_open = new_xq > zero;
    const F quotient = x * new_qq / new_xq;
    is_sound = is_sound & (V::abs(V::select(is_open, quotient, zero)) < V::all(0x1p21f));
    const F wanted = limited(quotient);
    new_xq = new_xq + wx * wanted;
    new_qq = new_qq + w * wanted * wanted;
    const M is_better =
        is_open & (wanted != code) & (new_qq > zero) & (new_xq * new_xq * qq > xq * xq * new_qq);
    code = V::select(is_better, wanted, code);
    xq = V::select(is_better, new_xq, xq);
    qq = V::select(is_better, new_qq, qq);
    return is_better;
  }
};

template <class V, std::size_t n, int levels, std::size_t several>
static inline void fit_stepwise(const typename V::F (&x)[several][n], StepwiseFits<V, n, levels, several>& fits) {
  using F = typename V::F;
  using M = typename V::M;
  const F zero = V::all(0.0f);
  Stepwise<V, levels> sums[several];
  F codes[several][n];
  M is_zero[several];
  for (std::size_t s = 0; s < several; ++s) {
    const Extremes<V> extremes = extremes_of<V>(x[s], n);
    const F inverse = V::all(static_cast<float>(-levels)) / extremes.value;
    is_zero[s] = extremes.magnitude < V::all(smallest_group);
    fits.is_sound[s] = zero == zero;
    sums[s] = {zero, zero};
    for (std::size_t i = 0; i < n; ++i) {
      codes[s][i] = Stepwise<V, levels>::limited(inverse * x[s][i]);
      const F w = x[s][i] * x[s][i];
      sums[s].xq = sums[s].xq + w * x[s][i] * codes[s][i];
      sums[s].qq = sums[s].qq + w * codes[s][i] * codes[s][i];
    }
  }
  for (int round = 0; round < 5; ++round) {
    M has_changed = zero != zero;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t s = 0; s < several; ++s)
        has_changed = has_changed | sums[s].improve(x[s][i], codes[s][i], fits.is_sound[s]);
    if (!V::any(has_changed))
      break;
  }
  for (std::size_t s = 0; s < several; ++s) {
    const F scale = V::select(sums[s].qq > zero, sums[s].xq / sums[s].qq, zero);
    fits.scale[s] = V::select(is_zero[s], zero, scale);
    fits.is_sound[s] = fits.is_sound[s] | is_zero[s];
  }
}

}  // namespace heirloom::kernels::simd
