// tq1_0, tq2_0, q1_0 and q2_0, see blocks_ternary.cpp. Rounding x / scale, which is at most 1 and a bit, with ties away
// from zero is comparing it with one half: adding the number below one half to one half gives 1, to anything less, less.
// Blocks with infinities, NaN or a scale whose inverse overflows go to the portable row.
#pragma once

#include "engine/kernels/simd/encode_batch.hpp"

namespace heirloom::kernels::simd {

// The byte for a number of five trits, below 243: the fraction of 256, rounded up.
static constexpr std::int32_t byte_of_trits(std::int32_t number) { return (number * 256 + 242) / 243; }
constexpr std::int32_t trits_factor = 17261;  // 2^22 / 243, rounded up
static constexpr bool is_right_factor() {
  for (std::int32_t number = 0; number < 243; ++number)
    if ((number * 256 + 242) * trits_factor >> 22 != byte_of_trits(number))
      return false;
  return true;
}
static_assert(is_right_factor());

// E has eight lanes, V sixteen.
template <class E, class V>
struct TernaryEncoders {
  using F = typename V::F;
  using I = typename V::I;

  static void tq1_0(const float* x, std::uint8_t* dst) {
    const float scale = scale_of<super_elements>(x);
    if (!is_sound(scale)) {
      encode_tq1_0(x, dst, super_elements);
      return;
    }
    const F inverse = V::all(scale != 0.0f ? 1.0f / scale : 0.0f);
    V::store_u8(dst, five_trits(x, 32, inverse));
    V::store_u8(dst + 16, five_trits(x + 16, 32, inverse));
    V::store_u8(dst + 32, five_trits(x + 160, 16, inverse));
    std::uint8_t last[16];
    V::store_u8(last, trits(x + 240, inverse));
    for (std::size_t m = 0; m < 4; ++m)
      dst[48 + m] = static_cast<std::uint8_t>(
          byte_of_trits(81 * last[m] + 27 * last[m + 4] + 9 * last[m + 8] + 3 * last[m + 12]));
    store_f16(dst + 52, scale);
  }

  static void tq2_0(const float* x, std::uint8_t* dst) {
    const float scale = scale_of<super_elements>(x);
    if (!is_sound(scale)) {
      encode_tq2_0(x, dst, super_elements);
      return;
    }
    const F inverse = V::all(scale != 0.0f ? 1.0f / scale : 0.0f);
    for (std::size_t half = 0; half < 2; ++half)
      for (std::size_t l = 0; l < 32; l += 16) {
        const float* first = x + 128 * half + l;
        V::store_u8(dst + 32 * half + l,
                    trits(first, inverse) | V::template shift_left<2>(trits(first + 32, inverse)) |
                        V::template shift_left<4>(trits(first + 64, inverse)) |
                        V::template shift_left<6>(trits(first + 96, inverse)));
      }
    store_f16(dst + 64, scale);
  }

  // Eight blocks.
  static void q2_0(const float* src, std::uint8_t* dst) {
    constexpr std::size_t elements = 64;
    const auto scale = E::as_float(largest_magnitudes<E, elements>(src)), zero = E::all(0.0f);
    const auto is_zero = scale == zero;
    float inverses[batch_blocks];
    E::store(inverses, E::select(is_zero, zero, E::all(1.0f) / scale));
    std::uint16_t scales[batch_blocks];
    E::store_f16(scales, scale);
    const std::uint32_t sound = E::bits(is_zero | ((scale > E::all(0x1p-100f)) & (scale < E::all(0x1p127f))));
    for (std::size_t k = 0; k < batch_blocks; ++k) {
      const float* x = src + elements * k;
      std::uint8_t* block = dst + 18 * k;
      if ((sound >> k & 1) == 0) {
        encode_q2_0(x, block, elements);
        continue;
      }
      store_u16(block, scales[k]);
      store_q2_0(x, E::all(inverses[k]), block + 2);
    }
  }

  // The sums of sixteen blocks, each in order, a block to a lane; signs first, since memory is best read in order.
  static void q1_0(const float* src, std::uint8_t* dst) {
    constexpr std::size_t elements = 128, blocks = 16;
    for (std::size_t k = 0; k < blocks; ++k)
      for (std::size_t i = 0; i < elements; i += 16)
        store_u16(dst + 18 * k + 2 + i / 8,
                  static_cast<std::uint16_t>(V::bits(V::load(src + elements * k + i) >= V::all(0.0f))));
    F sum = V::all(0.0f);
    for (std::size_t i = 0; i < elements; i += 8) {
      F columns[8];
      V::load_columns(src + i, elements, columns);
      for (const F& column : columns) sum = sum + V::abs(column);
    }
    std::uint16_t scales[blocks];
    V::store_f16(scales, sum / V::all(128.0f));
    const std::uint32_t sound = V::bits(sum < V::all(0x1p127f));
    for (std::size_t k = 0; k < blocks; ++k) {
      store_u16(dst + 18 * k, scales[k]);
      if ((sound >> k & 1) == 0)
        encode_q1_0(src + elements * k, dst + 18 * k, elements);
    }
  }

 private:
  // Sixty-four numbers as two bits each: lane g gathers those of numbers 8 * g ... 8 * g + 7.
  static void store_q2_0(const float* x, typename E::F inverse, std::uint8_t* dst) {
    typename E::F columns[8];
    E::load_columns(x, 8, columns);
    auto codes = E::all(0);
    for (std::size_t i = 8; i-- > 0;) {
      const auto value = columns[i] * inverse;
      codes = E::template shift_left<2>(codes) + E::ones(value <= E::all(-0.5f)) - E::ones(value >= E::all(0.5f));
    }
    E::store_u16(dst, codes + E::all(0x5555));
  }

  // The largest magnitude; infinity or NaN where there is one.
  template <std::size_t count>
  static float scale_of(const float* x) {
    I most = V::as_int(V::abs(V::load(x)));
    for (std::size_t i = 16; i < count; i += 16) most = V::max(most, V::as_int(V::abs(V::load(x + i))));
    std::int32_t lanes[16];
    V::store(lanes, most);
    std::int32_t largest = 0;
    for (const std::int32_t lane : lanes) largest = lane > largest ? lane : largest;
    return float_of(static_cast<std::uint32_t>(largest));
  }

  static bool is_sound(float scale) { return scale == 0.0f || (scale > 0x1p-100f && scale < 0x1p127f); }

  // 0, 1 or 2.
  static I trits(const float* x, F inverse) {
    const F value = V::load(x) * inverse;
    return V::all(1) + V::ones(V::all(-0.5f) >= value) - V::ones(value >= V::all(0.5f));
  }

  static I five_trits(const float* x, std::size_t stride, F inverse) {
    I number = trits(x, inverse);
    for (std::size_t n = 1; n < 5; ++n) number = number + number + number + trits(x + stride * n, inverse);
    return V::template shift_right<22>((V::template shift_left<8>(number) + V::all(242)) * V::all(trits_factor));
  }
};

}  // namespace heirloom::kernels::simd
