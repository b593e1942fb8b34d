// fit_symmetric_stepwise of blocks_search.hpp for V::lanes groups at once, a group to a lane. See lanes_avx2.hpp for V.
#pragma once

#include "engine/kernels/simd/symmetric.hpp"

namespace heirloom::kernels::simd {

// Where is_sound is not set the lanes' arithmetic may differ from the reference's, which then has to be asked.
template <class V>
struct StepwiseFit {
  typename V::F scale;
  typename V::M is_sound;
};

template <class V, int levels>
struct Stepwise {
  using F = typename V::F;
  using M = typename V::M;

  F xq, qq;  // sums of w * x * q and w * q * q, where w = x * x

  static F limited(F code) {
    return V::min(V::max(V::round(code), V::all(static_cast<float>(-levels))), V::all(static_cast<float>(levels - 1)));
  }

  // improve_symmetric of blocks_search.cpp. Most codes stay, which takes no division to see: without this number the
  // quotient is `part` / `rest`, and as long as it is less than 0.499 from the code, or beyond the last code on its
  // side, it rounds to the code whatever the rounding of these few operations. The constant that is taken from the
  // slack sees to it that a rest so small that it has few bits is never judged so.
  HEIRLOOM_INLINE_MEMBER M improve(F x, F w, F wx, F& code, M& is_sound) {
    const F zero = V::all(0.0f);
    const F rest = xq - wx * code;
    const F rest_qq = qq - w * code * code;
    const M is_open = rest > zero;
    const F part = x * rest_qq;
    const F within = V::min(V::max(part, V::all(-(static_cast<float>(levels) + 0.4f)) * rest),
                            V::all(static_cast<float>(levels - 1) + 0.4f) * rest);
    const F slack = V::all(0.499f) * rest - V::all(0x1p-100f);
    const M may_change = is_open & (V::abs(within - code * rest) >= slack);
    return V::any(may_change) ? replace(wx, w, rest, rest_qq, part, may_change, code, is_sound) : may_change;
  }

 private:
  HEIRLOOM_INLINE_MEMBER M replace(F wx, F w, F rest, F rest_qq, F part, M may_change, F& code, M& is_sound) {
    const F zero = V::all(0.0f);
    const F quotient = part / rest;
    is_sound = is_sound & (V::abs(V::select(may_change, quotient, zero)) < V::all(0x1p21f));
    const F wanted = limited(quotient);
    const F new_xq = rest + wx * wanted;
    const F new_qq = rest_qq + w * wanted * wanted;
    const M is_better =
        may_change & (wanted != code) & (new_qq > zero) & (new_xq * new_xq * qq > xq * xq * new_qq);
    code = V::select(is_better, wanted, code);
    xq = V::select(is_better, new_xq, xq);
    qq = V::select(is_better, new_qq, qq);
    return is_better;
  }
};

// x: n numbers of each group, moderate ones.
template <class V, std::size_t n, int levels>
static inline StepwiseFit<V> fit_stepwise(const typename V::F* x) {
  using F = typename V::F;
  using M = typename V::M;
  const F zero = V::all(0.0f);
  const Extremes<V> extremes = extremes_of<V>(x, n);
  const F inverse = V::all(static_cast<float>(-levels)) / extremes.value;
  Stepwise<V, levels> sums{zero, zero};
  F w[n], wx[n], codes[n];
  for (std::size_t i = 0; i < n; ++i) {
    w[i] = x[i] * x[i];
    wx[i] = w[i] * x[i];
    codes[i] = Stepwise<V, levels>::limited(inverse * x[i]);
    sums.xq = sums.xq + wx[i] * codes[i];
    sums.qq = sums.qq + w[i] * codes[i] * codes[i];
  }
  M is_sound = zero == zero;
  for (int round = 0; round < 5; ++round) {
    M has_changed = zero != zero;
    for (std::size_t i = 0; i < n; ++i)
      has_changed = has_changed | sums.improve(x[i], w[i], wx[i], codes[i], is_sound);
    if (!V::any(has_changed))
      break;
  }
  const M is_zero = extremes.magnitude < V::all(smallest_group);
  const F scale = V::select(sums.qq > zero, sums.xq / sums.qq, zero);
  return {V::select(is_zero, zero, scale), is_sound | is_zero};
}

}  // namespace heirloom::kernels::simd
