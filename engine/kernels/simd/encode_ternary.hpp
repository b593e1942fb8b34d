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

template <class Eight, class Sixteen>
struct TernaryEncoders {
  using S = Sixteen;
  using F = typename S::F;
  using I = typename S::I;

  static void tq1_0(const float* x, std::uint8_t* dst) {
    const float scale = scale_of<super_elements>(x);
    if (!is_sound(scale)) {
      encode_tq1_0(x, dst, super_elements);
      return;
    }
    const F inverse = S::all(scale != 0.0f ? 1.0f / scale : 0.0f);
    S::store_u8(dst, five_trits(x, 32, inverse));
    S::store_u8(dst + 16, five_trits(x + 16, 32, inverse));
    S::store_u8(dst + 32, five_trits(x + 160, 16, inverse));
    std::uint8_t last[16];
    S::store_u8(last, trits(x + 240, inverse));
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
    const F inverse = S::all(scale != 0.0f ? 1.0f / scale : 0.0f);
    for (std::size_t half = 0; half < 2; ++half)
      for (std::size_t l = 0; l < 32; l += 16) {
        const float* first = x + 128 * half + l;
        S::store_u8(dst + 32 * half + l,
                    trits(first, inverse) | S::template shift_left<2>(trits(first + 32, inverse)) |
                        S::template shift_left<4>(trits(first + 64, inverse)) |
                        S::template shift_left<6>(trits(first + 96, inverse)));
      }
    store_f16(dst + 64, scale);
  }

  static void q2_0(const float* x, std::uint8_t* dst) {
    constexpr std::size_t elements = 64;
    const float scale = scale_of<elements>(x);
    if (!is_sound(scale)) {
      encode_q2_0(x, dst, elements);
      return;
    }
    const F inverse = S::all(scale != 0.0f ? 1.0f / scale : 0.0f);
    store_f16(dst, scale);
    for (std::size_t i = 0; i < elements; i += 16) {
      std::uint8_t codes[16];
      S::store_u8(codes, trits(x + i, inverse));
      for (std::size_t j = 0; j < 16; j += 8) {
        const std::uint64_t pairs = load_u64(codes + j) | load_u64(codes + j) >> 6;
        const std::uint64_t fours = pairs | pairs >> 12;
        dst[2 + (i + j) / 4] = static_cast<std::uint8_t>(fours);
        dst[3 + (i + j) / 4] = static_cast<std::uint8_t>(fours >> 32);
      }
    }
  }

  // The sums of eight blocks, each in order, a block to a lane.
  static void q1_0(const float* src, std::uint8_t* dst) {
    constexpr std::size_t elements = 128;
    typename Eight::F columns[elements], sum = Eight::all(0.0f);
    Eight::load_groups(src, elements, columns);
    for (const auto& column : columns) sum = sum + Eight::abs(column);
    float scales[batch_blocks];
    Eight::store(scales, sum / Eight::all(128.0f));
    const std::uint32_t sound = Eight::bits(sum < Eight::all(0x1p127f));
    for (std::size_t k = 0; k < batch_blocks; ++k) {
      const float* x = src + elements * k;
      std::uint8_t* block = dst + 18 * k;
      if ((sound >> k & 1) == 0) {
        encode_q1_0(x, block, elements);
        continue;
      }
      store_f16(block, scales[k]);
      for (std::size_t i = 0; i < elements; i += 16)
        store_u16(block + 2 + i / 8, static_cast<std::uint16_t>(S::bits(S::load(x + i) >= S::all(0.0f))));
    }
  }

 private:
  // The largest magnitude; infinity or NaN where there is one.
  template <std::size_t count>
  static float scale_of(const float* x) {
    I most = S::as_int(S::abs(S::load(x)));
    for (std::size_t i = 16; i < count; i += 16) most = S::max(most, S::as_int(S::abs(S::load(x + i))));
    std::int32_t lanes[16];
    S::store(lanes, most);
    std::int32_t largest = 0;
    for (const std::int32_t lane : lanes) largest = lane > largest ? lane : largest;
    return float_of(static_cast<std::uint32_t>(largest));
  }

  static bool is_sound(float scale) { return scale == 0.0f || (scale > 0x1p-100f && scale < 0x1p127f); }

  // 0, 1 or 2.
  static I trits(const float* x, F inverse) {
    const F value = S::load(x) * inverse;
    return S::all(1) + S::ones(S::all(-0.5f) >= value) - S::ones(value >= S::all(0.5f));
  }

  static I five_trits(const float* x, std::size_t stride, F inverse) {
    I number = trits(x, inverse);
    for (std::size_t n = 1; n < 5; ++n) number = number + number + number + trits(x + stride * n, inverse);
    return S::template shift_right<22>((S::template shift_left<8>(number) + S::all(242)) * S::all(trits_factor));
  }
};

}  // namespace heirloom::kernels::simd
