// Conversions of single numbers, V::lanes of them, as element.hpp has them one by one. See lanes_avx2.hpp for V.
#pragma once

#include "engine/kernels/element.hpp"

namespace heirloom::kernels::simd {

template <class V>
struct Elements {
  using F = typename V::F;
  using I = typename V::I;

  static void f16_to_f32(const std::uint8_t* src, float* dst) {
    std::uint16_t halves[V::lanes];
    __builtin_memcpy(halves, src, sizeof halves);
    V::store(dst, V::load_f16(halves));
  }

  static void bf16_to_f32(const std::uint8_t* src, float* dst) {
    std::uint16_t codes[V::lanes];
    __builtin_memcpy(codes, src, sizeof codes);
    V::store(dst, V::as_float(V::template shift_left<16>(V::load_u16(codes))));
  }

  // With the fields where binary32 has them the value is 2^120, for e5m2 2^112, times too small.
  static void f8_e4m3_to_f32(const std::uint8_t* src, float* dst) {
    const I code = V::load_u8(src), magnitude = code & V::all(0x7f);
    const F number = V::as_float(V::template shift_left<20>(magnitude)) * V::all(0x1p120f);
    const I nan = all_bits(infinity_bits | quiet_bit);
    V::store(dst, with_sign(code, V::select(magnitude == V::all(0x7f), nan, V::as_int(number))));
  }

  static void f8_e5m2_to_f32(const std::uint8_t* src, float* dst) {
    const I code = V::load_u8(src), magnitude = code & V::all(0x7f);
    const I fields = V::template shift_left<21>(magnitude);
    const I special = fields | all_bits(infinity_bits) |
                      (V::ones(magnitude > V::all(0x7c)) & all_bits(quiet_bit));
    const I number = V::as_int(V::as_float(fields) * V::all(0x1p112f));
    V::store(dst, with_sign(code, V::select(magnitude > V::all(0x7b), special, number)));
  }

  static void f32_to_f16(const float* src, std::uint8_t* dst) {
    std::uint16_t halves[V::lanes];
    V::store_f16(halves, V::load(src));
    __builtin_memcpy(dst, halves, sizeof halves);
  }

  static void f32_to_bf16(const float* src, std::uint8_t* dst) {
    const I bits = V::as_int(V::load(src)), upper = V::template shift_right<16>(bits);
    const I number = V::template shift_right<16>(bits + V::all(0x7fff) + (upper & V::all(1)));
    const auto is_nan = magnitude_of(bits) > all_bits(infinity_bits);
    V::store_u16(dst, V::select(is_nan, upper | V::all(64), number));
  }

  static void f32_to_f8_e4m3(const float* src, std::uint8_t* dst) {
    const I bits = V::as_int(V::load(src));
    V::store_u8(dst, V::min(narrowed<3, 7>(magnitude_of(bits)), V::all(0x7f)) | sign_of(bits));
  }

  static void f32_to_f8_e5m2(const float* src, std::uint8_t* dst) {
    const I bits = V::as_int(V::load(src)), magnitude = magnitude_of(bits);
    const I number = V::min(narrowed<2, 15>(magnitude), V::all(0x7c));
    const I nan = V::all(0x7e) | (V::template shift_right<21>(magnitude) & V::all(1));
    V::store_u8(dst, V::select(magnitude > all_bits(infinity_bits), nan, number) | sign_of(bits));
  }

 private:
  static I all_bits(std::uint32_t bits) { return V::all(static_cast<std::int32_t>(bits)); }
  static I magnitude_of(I bits) { return bits & all_bits(~sign_bit); }
  static I sign_of(I bits) { return V::template shift_right<24>(bits) & V::all(0x80); }
  static F with_sign(I code, I magnitude) {
    return V::as_float(magnitude | V::template shift_left<24>(code & V::all(0x80)));
  }

  // narrowed() of element.hpp. Normal numbers round in integers; subnormals by adding the power of two whose last place
  // is the narrow format's smallest number, so that the addition rounds.
  template <unsigned fraction_bits, unsigned bias>
  static I narrowed(I magnitude) {
    constexpr unsigned dropped = 23 - fraction_bits;
    constexpr std::uint32_t rebias = 127 - bias;
    constexpr std::uint32_t aligner = (rebias + dropped + 1) << 23;
    const I odd = V::template shift_right<dropped>(magnitude) & V::all(1);
    const I normal = V::template shift_right<dropped>(magnitude + odd + all_bits((1u << (dropped - 1)) - 1 - (rebias << 23)));
    const I subnormal = V::as_int(V::as_float(magnitude) + V::as_float(all_bits(aligner))) - all_bits(aligner);
    return V::select(all_bits((rebias + 1) << 23) > magnitude, subnormal, normal);
  }
};

}  // namespace heirloom::kernels::simd
