// mxfp4 and nvfp4, see blocks_fp4.cpp. What the portable row searches, the first value v[i] * scale whose distance
// |v[i] * scale - x| as binary32 is least, is here a count of thresholds below |x|:
//   The values without sign are 0 1 2 3 4 6 8 12. They and the scale have few bits, so that products, also with the
//   midpoints 0.5 1.5 2.5 3.5 5 7 10, are exact. Let a <= |x| <= b be neighbours among the products. From a = scale on
//   b <= 2 a, so both distances are exact (Sterbenz), b is nearer exactly where |x| > (a + b) / 2, and on a tie a comes
//   first. Between 0 and b = scale the distance to 0 is |x|, exact; that to b is exact for |x| >= b / 2 and at least
//   b / 2 below. Other products are further away by at least scale, which rounding cannot hide while
//   |x| < 1024 * scale; those of the other sign as well, and they come later than 0. Minus zero, the code 8, is never
//   nearer than zero. With a scale of zero all distances are |x| and the code is 0.
#pragma once

#include "engine/kernels/blocks_values.hpp"
#include "engine/kernels/simd/encode_batch.hpp"

namespace heirloom::kernels::simd {

template <class Eight, class Sixteen>
struct Fp4Encoders {
  using F = typename Eight::F;
  using I = typename Eight::I;
  using S = Sixteen;

  // The scale is 2^(exponent of the largest - 3), one more where the portable row's logarithm rounds up, which can only
  // be in the last hundred numbers below a power of two.
  static void mxfp4(const float* src, std::uint8_t* dst) {
    const I largest = largest_magnitudes<Eight, block_elements>(src);
    const I zero = Eight::all(0), exponents = Eight::all(static_cast<std::int32_t>(infinity_bits));
    const auto is_zero = largest == zero;
    const auto is_moderate =
        (Eight::as_float(largest) > Eight::all(0x1p-100f)) & (Eight::as_float(largest) < Eight::all(0x1p100f));
    const auto is_sound = is_zero | (is_moderate & (Eight::all(0x7f'ff00) > (largest & Eight::all(0x7f'ffff))));
    const I scale = (largest & exponents) - Eight::all(3 << 23);
    float inverses[batch_blocks];  // powers of two
    Eight::store(inverses, Eight::as_float(Eight::select(is_zero, zero, Eight::all(254 << 23) - scale)));
    std::uint8_t codes[batch_blocks];
    Eight::store_u8(codes, Eight::select(is_zero, zero, Eight::template shift_right<23>(scale) + Eight::all(1)));
    const std::uint32_t sound = Eight::bits(is_sound);
    for (std::size_t k = 0; k < batch_blocks; ++k) {
      const float* x = src + block_elements * k;
      std::uint8_t* block = dst + 17 * k;
      if ((sound >> k & 1) == 0) {
        encode_mxfp4(x, block, block_elements);
        continue;
      }
      block[0] = codes[k];
      const auto inverse = S::all(inverses[k]);
      const auto low = unit_code(S::load(x), inverse), high = unit_code(S::load(x + 16), inverse);
      S::store_u8(block + 1, S::all(0) - (low + S::template shift_left<4>(high)));
    }
  }

  // Two blocks of four groups of 16.
  static void nvfp4(const float* src, std::uint8_t* dst) {
    constexpr std::size_t group = 16;
    const I largest = largest_magnitudes<Eight, group>(src);
    const I codes = unsigned_e4m3(Eight::as_float(largest) / Eight::all(6.0f));
    const F scale = half_of_e4m3(codes), zero = Eight::all(0.0f);
    const auto is_zero = scale == zero;
    const auto is_finite = Eight::all(static_cast<std::int32_t>(infinity_bits)) > largest;
    const std::uint32_t sound =
        Eight::bits(is_finite & (is_zero | (Eight::as_float(largest) < scale * Eight::all(1024.0f))));
    if (sound != 0xff) {
      encode_nvfp4(src, dst, 8 * group);
      return;
    }
    float scales[batch_blocks];  // infinite thresholds are above every number
    Eight::store(scales, Eight::select(is_zero, Eight::as_float(Eight::all(static_cast<std::int32_t>(infinity_bits))),
                                       scale));
    std::uint8_t stored[batch_blocks];
    Eight::store_u8(stored, codes);
    for (std::size_t g = 0; g < batch_blocks; ++g) {
      std::uint8_t* block = dst + g / 4 * 36;
      block[g % 4] = stored[g];
      const float* x = src + group * g;
      const Thresholds thresholds(Eight::all(scales[g]));
      Eight::store_u8(block + 4 + 8 * (g % 4),
                      thresholds.codes(Eight::load(x)) |
                          Eight::template shift_left<4>(thresholds.codes(Eight::load(x + 8))));
    }
  }

 private:
  // The code of x / scale, for numbers below 16, taken from zero: -7 to 0, and -15 to -9 for negative numbers. From 2 on
  // codes are exponents with one bit of the fraction, rounded with ties down; that gives too little for less than 2, and
  // never too much.
  static typename S::I unit_code(typename S::F x, typename S::F inverse) {
    const auto value = x * inverse, magnitude = S::abs(value);
    const auto upper = S::all(254) - S::template shift_right<22>(S::as_int(magnitude) + S::all(0x1f'ffff));
    const auto lower = S::ones(magnitude > S::all(0.5f)) + S::ones(magnitude > S::all(1.5f));
    const auto sign = S::ones(value < S::all(-0.5f)) & S::all(-8);
    return S::max(S::min(upper, lower), S::all(-7)) + sign;
  }

  struct Thresholds {
    F at[7];

    explicit Thresholds(F scale) {
      constexpr float midpoints[7] = {0.5f, 1.5f, 2.5f, 3.5f, 5.0f, 7.0f, 10.0f};
      for (std::size_t i = 0; i < 7; ++i) at[i] = Eight::all(midpoints[i]) * scale;
    }

    I codes(F x) const {
      const F magnitude = Eight::abs(x);
      I below = Eight::all(0);
      for (std::size_t i = 0; i < 7; ++i) below = below + Eight::ones(magnitude > at[i]);
      const I sign = Eight::ones(Eight::negate(at[0]) > x) & Eight::all(8);
      return (Eight::all(0) - below) | sign;
    }
  };

  // As in blocks_fp4.cpp, of numbers that are not negative.
  static I unsigned_e4m3(F value) {
    const I bits = Eight::as_int(value);
    const I normal = Eight::template shift_right<20>(bits) - Eight::all(120 << 3) +
                     (Eight::template shift_right<19>(bits) & Eight::all(1));
    const F small = Eight::min(value, Eight::all(1.0f)) * Eight::all(512.0f) + Eight::all(0.5f);
    const I subnormal = Eight::min(Eight::truncate(small), Eight::all(7));
    const I limited = Eight::select(normal > Eight::all((15 << 3) - 1), Eight::all(0x7e), normal);
    return Eight::select(Eight::all(121 << 23) > bits, subnormal, limited);
  }

  static F half_of_e4m3(I code) {
    const F normal = Eight::as_float(Eight::template shift_left<20>(code) + Eight::all((127 - 7 - 1) << 23));
    return Eight::select(code > Eight::all(7), normal, Eight::to_float(code) * Eight::all(0x1p-10f));
  }
};

}  // namespace heirloom::kernels::simd
