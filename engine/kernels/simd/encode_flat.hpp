// q8_0, q4_0, q4_1, q5_0 and q5_1 without an importance, see block.hpp and blocks_q4_q5.cpp: eight blocks at a time for the scales, then block by
// block. Blocks with infinities, NaN or a scale whose inverse overflows go to the portable row.
#pragma once

#include "engine/kernels/simd/encode_batch.hpp"

namespace heirloom::kernels::simd {

template <class Eight, class Sixteen>
struct FlatEncoders {
  using F = typename Eight::F;
  using M = typename Eight::M;
  using S = Sixteen;
  using I = typename S::I;

  // What is found for eight blocks. Where bit k of `sound` is not set block k counts as not encoded.
  struct Batch {
    float inverse[batch_blocks], least[batch_blocks];
    std::uint16_t scale_f16[batch_blocks], least_f16[batch_blocks];
    std::uint32_t sound;

    bool is_sound(std::size_t k) const { return (sound >> k & 1) != 0; }
  };

  // weight = scale * q + least. No code exceeds `levels`: it is at most levels * (1 + 2^-22) + 0.5 before truncation.
  template <int levels, std::size_t bytes, auto portable>
  static void affine(const float* src, std::uint8_t* dst) {
    const Batch batch = affine_scales(src, levels);
    for (std::size_t k = 0; k < batch_blocks; ++k) {
      const float* x = src + block_elements * k;
      std::uint8_t* block = dst + bytes * k;
      if (!batch.is_sound(k)) {
        portable(x, block, block_elements);
        continue;
      }
      const auto inverse = S::all(batch.inverse[k]), least = S::all(batch.least[k]), half = S::all(0.5f);
      store_u16(block, batch.scale_f16[k]);
      store_u16(block + 2, batch.least_f16[k]);
      store_codes<levels>(S::truncate((S::load(x) - least) * inverse + half),
                          S::truncate((S::load(x + 16) - least) * inverse + half), block + 4);
    }
  }

  // weight = scale * (q - middle), q at most `levels` = 2 * middle - 1.
  template <int levels, std::size_t bytes, auto portable>
  static void symmetric(const float* src, std::uint8_t* dst) {
    constexpr float middle = (static_cast<float>(levels) + 1.0f) / 2.0f;
    const Batch batch = symmetric_scales(src, -middle);
    for (std::size_t k = 0; k < batch_blocks; ++k) {
      const float* x = src + block_elements * k;
      std::uint8_t* block = dst + bytes * k;
      if (!batch.is_sound(k)) {
        portable(x, block, block_elements);
        continue;
      }
      const auto inverse = S::all(batch.inverse[k]), shift = S::all(middle + 0.5f);
      const I top = S::all(levels);
      store_u16(block, batch.scale_f16[k]);
      store_codes<levels>(S::min(S::truncate(S::load(x) * inverse + shift), top),
                          S::min(S::truncate(S::load(x + 16) * inverse + shift), top), block + 2);
    }
  }

  // weight = scale * q, rounded with ties away from zero.
  static void q8_0(const float* src, std::uint8_t* dst) {
    const F largest = Eight::as_float(largest_magnitudes<Eight, block_elements>(src));
    Batch batch;
    batch.sound = Eight::bits(is_sound_size(largest));
    keep(batch, largest / Eight::all(127.0f));
    for (std::size_t k = 0; k < batch_blocks; ++k) {
      const float* x = src + block_elements * k;
      std::uint8_t* block = dst + q8_0_bytes * k;
      if (!batch.is_sound(k)) {
        encode_q8_0_block(x, block);
        continue;
      }
      const auto inverse = S::all(batch.inverse[k]);
      store_u16(block, batch.scale_f16[k]);
      S::store_i8(block + 2, rounded(S::load(x) * inverse));
      S::store_i8(block + 18, rounded(S::load(x + 16) * inverse));
    }
  }

 private:
  static I rounded(typename S::F value) {
    const I sign = S::as_int(value) & S::all(INT32_MIN);
    return S::truncate(value + S::as_float(sign | S::all(0x3eff'ffff)));
  }

  template <int levels>
  static void store_codes(I low, I high, std::uint8_t* dst) {
    if constexpr (levels > 15) {
      const I fifteen = S::all(15);
      store_u16(dst, static_cast<std::uint16_t>(S::bits(low > fifteen)));
      store_u16(dst + 2, static_cast<std::uint16_t>(S::bits(high > fifteen)));
      S::store_u8(dst + 4, (low & fifteen) | S::template shift_left<4>(high & fifteen));
    } else {
      S::store_u8(dst, low | S::template shift_left<4>(high));
    }
  }

  struct Ranges {
    F min, max;
    M is_number;  // no NaN in the block
  };

  static Ranges ranges_of(const float* src) {
    float least[8 * batch_blocks], most[8 * batch_blocks];
    std::uint32_t numbers = 0;
    for (std::size_t k = 0; k < batch_blocks; ++k) {
      const float* x = src + block_elements * k;
      const F a = Eight::load(x), b = Eight::load(x + 8), c = Eight::load(x + 16), d = Eight::load(x + 24);
      Eight::store(least + 8 * k, Eight::min(Eight::min(a, b), Eight::min(c, d)));
      Eight::store(most + 8 * k, Eight::max(Eight::max(a, b), Eight::max(c, d)));
      const M has_nan = (a != a) | (b != b) | (c != c) | (d != d);
      numbers |= (Eight::any(has_nan) ? 0u : 1u) << k;
    }
    return {best_of_each<Eight>(least, [](F a, F b) { return Eight::min(a, b); }),
            best_of_each<Eight>(most, [](F a, F b) { return Eight::max(a, b); }), Eight::mask(numbers)};
  }

  // Scales whose inverses stay finite; no scale at all is as good.
  static M is_sound_size(F size) {
    return (size == Eight::all(0.0f)) | ((size > Eight::all(0x1p-100f)) & (size < Eight::all(0x1p127f)));
  }

  static void keep(Batch& batch, F scale) {
    Eight::store_f16(batch.scale_f16, scale);
    const F zero = Eight::all(0.0f);
    Eight::store(batch.inverse, Eight::select(scale != zero, Eight::all(1.0f) / scale, zero));
  }

  // A least value of zero has the sign of the first zero.
  static void settle_zeros(Batch& batch, const float* src) {
    for (std::size_t k = 0; k < batch_blocks; ++k)
      if (batch.least[k] == 0.0f && batch.is_sound(k)) {
        const float* x = src + block_elements * k;
        while (*x != 0.0f) ++x;
        batch.least_f16[k] = static_cast<std::uint16_t>(bits_of(*x) >> 16);
      }
  }

  static Batch affine_scales(const float* src, int levels) {
    const Ranges ranges = ranges_of(src);
    const F zero = Eight::all(0.0f);
    const F range = ranges.max - ranges.min;
    Batch batch;
    batch.sound = Eight::bits(is_sound_size(range) & ranges.is_number);
    keep(batch, Eight::select(range == zero, zero, range / Eight::all(static_cast<float>(levels))));
    Eight::store(batch.least, ranges.min);
    Eight::store_f16(batch.least_f16, ranges.min);
    if (Eight::any(ranges.min == zero))
      settle_zeros(batch, src);
    return batch;
  }

  // The number of largest magnitude, the first one where both signs have it, is `least`.
  static Batch symmetric_scales(const float* src, float least) {
    const Ranges ranges = ranges_of(src);
    const F zero = Eight::all(0.0f), below = Eight::negate(ranges.min);
    const F magnitude = Eight::max(ranges.max, below);
    float extremes[batch_blocks];
    Eight::store(extremes, Eight::select(magnitude == zero, zero,
                                         Eight::select(ranges.max > below, ranges.max, ranges.min)));
    std::uint32_t ties = Eight::bits((ranges.max == below) & (magnitude > zero));
    for (; ties != 0; ties &= ties - 1) {
      const auto k = static_cast<std::size_t>(__builtin_ctz(ties));
      const float* x = src + block_elements * k;
      while (magnitude_of(*x) != magnitude_of(extremes[k])) ++x;
      extremes[k] = *x;
    }
    Batch batch;
    batch.sound = Eight::bits(is_sound_size(magnitude) & ranges.is_number);
    keep(batch, Eight::load(extremes) / Eight::all(least));
    return batch;
  }
};

}  // namespace heirloom::kernels::simd
