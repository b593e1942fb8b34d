// q4_k and q5_k with V::lanes groups at once. See lanes_avx2.hpp for V; blocks_k45.hpp for the layout.
#pragma once

#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_k45.hpp"
#include "engine/kernels/simd/affine.hpp"
#include "engine/kernels/simd/positive.hpp"

namespace heirloom::kernels::simd {

template <class V>
struct K45 {
  using F = typename V::F;
  using Group = AffineFit<V>;
  static constexpr std::size_t lanes = V::lanes;
  static constexpr std::size_t blocks = lanes / k45::groups;  // of one batch of groups
  static_assert(lanes % k45::groups == 0);

  // The fits of one batch, a group to an element.
  struct Fits {
    float scale[lanes], minus_min[lanes], inverse[lanes], least[lanes];
    std::uint32_t sound;  // bit g of group g

    void keep(const Group& fit) {
      V::store(scale, fit.scale);
      V::store(minus_min, fit.minus_min);
      V::store(inverse, fit.inverse);
      V::store(least, fit.least);
      sound = V::bits(fit.is_sound);
    }
    bool is_sound(std::size_t block) const { return (sound >> (k45::groups * block) & 0xff) == 0xff; }
  };

  // finish() of blocks_k45.cpp: rounds the weights to the stored scales. False where that takes other arithmetic.
  template <class Bits>
  static bool finish(const float* x, const float* inverse, const float* least, std::uint8_t* dst) {
    const float block_scale = load_f16(dst);
    const float block_least = load_f16(dst + 2);
    const F low = V::all(nearest_magic), high = V::all(nearest_magic + Bits::levels);
    std::uint8_t q[super_elements];
    auto is_sound = low == low;
    for (std::size_t g = 0; g < k45::groups; ++g) {
      const k45::GroupCodes codes = k45::load_group_codes(dst + 4, g);
      const float group_scale = block_scale * static_cast<float>(codes.scale);
      const float group_least = block_least * static_cast<float>(codes.least);
      const bool is_zero = group_scale == 0.0f;
      for (std::size_t i = k45::group * g; i < k45::group * (g + 1); i += lanes) {
        const F value = is_zero ? V::all(inverse[g]) * (V::load(x + i) - V::all(least[g]))
                                : (V::load(x + i) + V::all(group_least)) / V::all(group_scale);
        is_sound = is_sound & (V::abs(value) < V::all(0x1p21f));
        const F code = V::min(V::max(value + low, low), high);
        V::store_u8(q + i, V::as_int(code) & V::all(63));
      }
    }
    k45::store_codes<Bits>(q, dst);
    return !V::any(is_sound ^ (low == low));
  }

  template <class Bits>
  static void encode_batch(const float* src, std::uint8_t* dst) {
    F x[k45::group], weights[k45::group];
    V::load_groups(src, k45::group, x);
    F squares = V::all(0.0f);
    for (std::size_t i = 0; i < k45::group; ++i) squares = squares + x[i] * x[i];
    const F deviation = V::sqrt(squares / V::all(32.0f));
    for (std::size_t i = 0; i < k45::group; ++i) weights[i] = deviation + V::abs(x[i]);
    Fits fits;
    fits.keep(fit_affine<V, k45::group, Deviation::squared>(x, weights, Bits::levels, Bits::trials()));
    for (std::size_t b = 0; b < blocks; ++b) {
      const float* block = src + super_elements * b;
      std::uint8_t* out = dst + Bits::bytes * b;
      const std::size_t first = k45::groups * b;
      std::uint8_t scale_codes[k45::groups], least_codes[k45::groups];
      k45::store_group_values(fits.scale + first, scale_codes, out);
      k45::store_group_values(fits.minus_min + first, least_codes, out + 2);
      k45::store_group_codes(scale_codes, least_codes, out + 4);
      if (!fits.is_sound(b) || !finish<Bits>(block, fits.inverse + first, fits.least + first, out))
        Bits::encode_portable(block, out, super_elements);
    }
  }

  template <class Bits>
  static void encode(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
    constexpr std::size_t step = blocks * super_elements;
    std::size_t i = 0;
    for (; i + step <= n; i += step) encode_batch<Bits>(src + i, dst + i / super_elements * Bits::bytes);
    if (i < n)
      Bits::encode_portable(src + i, dst + i / super_elements * Bits::bytes, n - i);
  }
};

}  // namespace heirloom::kernels::simd
