// NEON of 64-bit ARM as a type of four 32-bit lanes, with the names of lanes_avx2.hpp; Twice of it makes eight and
// sixteen. In an anonymous namespace, so that whatever is instantiated with it has internal linkage. For isa_neon.cpp
// alone.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace heirloom::kernels {
namespace {

struct Neon {
  static constexpr std::size_t lanes = 4;

  struct M {
    uint32x4_t v;
    friend M operator&(M a, M b) { return {vandq_u32(a.v, b.v)}; }
    friend M operator|(M a, M b) { return {vorrq_u32(a.v, b.v)}; }
    friend M operator^(M a, M b) { return {veorq_u32(a.v, b.v)}; }
  };
  struct F {
    float32x4_t v;
    friend F operator+(F a, F b) { return {vaddq_f32(a.v, b.v)}; }
    friend F operator-(F a, F b) { return {vsubq_f32(a.v, b.v)}; }
    friend F operator*(F a, F b) { return {vmulq_f32(a.v, b.v)}; }
    friend F operator/(F a, F b) { return {vdivq_f32(a.v, b.v)}; }
    friend M operator<(F a, F b) { return {vcltq_f32(a.v, b.v)}; }
    friend M operator<=(F a, F b) { return {vcleq_f32(a.v, b.v)}; }
    friend M operator>(F a, F b) { return {vcgtq_f32(a.v, b.v)}; }
    friend M operator>=(F a, F b) { return {vcgeq_f32(a.v, b.v)}; }
    friend M operator==(F a, F b) { return {vceqq_f32(a.v, b.v)}; }
    friend M operator!=(F a, F b) { return {vmvnq_u32(vceqq_f32(a.v, b.v))}; }
  };
  struct I {
    int32x4_t v;
    friend I operator+(I a, I b) { return {vaddq_s32(a.v, b.v)}; }
    friend I operator-(I a, I b) { return {vsubq_s32(a.v, b.v)}; }
    friend I operator*(I a, I b) { return {vmulq_s32(a.v, b.v)}; }
    friend I operator&(I a, I b) { return {vandq_s32(a.v, b.v)}; }
    friend I operator|(I a, I b) { return {vorrq_s32(a.v, b.v)}; }
    friend I operator^(I a, I b) { return {veorq_s32(a.v, b.v)}; }
    friend M operator>(I a, I b) { return {vcgtq_s32(a.v, b.v)}; }
    friend M operator==(I a, I b) { return {vceqq_s32(a.v, b.v)}; }
  };

  static F load(const float* p) { return {vld1q_f32(p)}; }
  static void store(float* p, F a) { vst1q_f32(p, a.v); }
  static F all(float value) { return {vdupq_n_f32(value)}; }
  static I load(const std::int32_t* p) { return {vld1q_s32(p)}; }
  static void store(std::int32_t* p, I a) { vst1q_s32(p, a.v); }
  static I all(std::int32_t value) { return {vdupq_n_s32(value)}; }
  static I load_u8(const std::uint8_t* p) {
    return {vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(four_bytes(p)))))};
  }
  static I load_i8(const std::uint8_t* p) {
    return {vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u8(four_bytes(p)))))};
  }
  static I load_u16(const std::uint16_t* p) { return {vreinterpretq_s32_u32(vmovl_u16(vld1_u16(p)))}; }
  static void store_u8(std::uint8_t* p, I a) {
    const uint16x4_t words = words_of(a);
    const std::uint32_t bytes = vget_lane_u32(vreinterpret_u32_u8(vmovn_u16(vcombine_u16(words, words))), 0);
    __builtin_memcpy(p, &bytes, 4);
  }
  static void store_u8(std::uint8_t* p, I a, I b) { vst1_u8(p, vmovn_u16(vcombine_u16(words_of(a), words_of(b)))); }
  static void store_i8(std::uint8_t* p, I a, I b) { store_u8(p, a, b); }
  static void store_u16(std::uint8_t* p, I a) { vst1_u8(p, vreinterpret_u8_u16(words_of(a))); }
  static void store_f16(std::uint16_t* p, F a) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(a.v))); }
  static F load_f16(const std::uint16_t* p) { return {vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)))}; }
  static F all_f16(std::uint16_t half) { return {vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(half)))}; }

  // The machine's own min and max give NaN where one number is NaN.
  static F min(F a, F b) { return select(a < b, a, b); }
  static F max(F a, F b) { return select(a > b, a, b); }
  static I min(I a, I b) { return {vminq_s32(a.v, b.v)}; }
  static I max(I a, I b) { return {vmaxq_s32(a.v, b.v)}; }
  static F abs(F a) { return {vabsq_f32(a.v)}; }
  static F negate(F a) { return {vnegq_f32(a.v)}; }
  static F sqrt(F a) { return {vsqrtq_f32(a.v)}; }
  static F round(F a) { return {vrndnq_f32(a.v)}; }
  static F to_float(I a) { return {vcvtq_f32_s32(a.v)}; }
  static I truncate(F a) { return {vcvtq_s32_f32(a.v)}; }
  static F as_float(I a) { return {vreinterpretq_f32_s32(a.v)}; }
  static I as_int(F a) { return {vreinterpretq_s32_f32(a.v)}; }
  template <int n> static I shift_left(I a) { return {vshlq_n_s32(a.v, n)}; }
  template <int n> static I shift_right(I a) {
    if constexpr (n == 0)
      return a;
    else
      return {vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(a.v), n))};
  }
  static I shift_left(I a, I counts) { return {vshlq_s32(a.v, counts.v)}; }
  static I shift_right(I a, I counts) {
    return {vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a.v), vnegq_s32(counts.v)))};
  }
  static I numbered() { return {int32x4_t{0, 1, 2, 3}}; }

  static F select(M m, F a, F b) { return {vbslq_f32(m.v, a.v, b.v)}; }
  static I select(M m, I a, I b) { return {vbslq_s32(m.v, a.v, b.v)}; }
  static F least(F a) {
    const F halves = min(a, F{vextq_f32(a.v, a.v, 2)});
    return min(halves, F{vrev64q_f32(halves.v)});
  }
  static bool any(M m) { return vmaxvq_u32(m.v) != 0; }
  static std::uint32_t bits(M m) { return vaddvq_u32(vandq_u32(m.v, one_each())); }
  static M mask(std::uint32_t bits) { return {vtstq_u32(vdupq_n_u32(bits), one_each())}; }
  static I ones(M m) { return {vreinterpretq_s32_u32(m.v)}; }

  using Table = uint8x16x2_t;
  static Table table8(const float* p) { return {{quarter(p), quarter(p + 4)}}; }
  static Table table4(const float* p) { return {{quarter(p), quarter(p)}}; }
  static Table table8(F low, F high) { return {{vreinterpretq_u8_f32(low.v), vreinterpretq_u8_f32(high.v)}}; }
  static Table table4(F a) { return table8(a, a); }
  static F lookup8(Table table, I index) { return {vreinterpretq_f32_u8(vqtbl2q_u8(table, bytes_of(index, 7)))}; }
  static F lookup4(Table table, I index) {
    return {vreinterpretq_f32_u8(vqtbl1q_u8(table.val[0], bytes_of(index, 3)))};
  }
  using Table16 = uint8x16x4_t;
  static Table16 table16(const float* p) { return {{quarter(p), quarter(p + 4), quarter(p + 8), quarter(p + 12)}}; }
  static F lookup16(Table16 table, I index) { return {vreinterpretq_f32_u8(vqtbl4q_u8(table, bytes_of(index, 15)))}; }

  // Lane g of out[i] is src[g * stride + i], for i below 8.
  static void load_columns(const float* src, std::size_t stride, F* out) {
    for (std::size_t i = 0; i < 8; i += 4) {
      const float32x4_t a = vld1q_f32(src + i), b = vld1q_f32(src + stride + i);
      const float32x4_t c = vld1q_f32(src + 2 * stride + i), d = vld1q_f32(src + 3 * stride + i);
      const float64x2_t ab_even = pairs(vtrn1q_f32(a, b)), cd_even = pairs(vtrn1q_f32(c, d));
      const float64x2_t ab_odd = pairs(vtrn2q_f32(a, b)), cd_odd = pairs(vtrn2q_f32(c, d));
      out[i] = {vreinterpretq_f32_f64(vtrn1q_f64(ab_even, cd_even))};
      out[i + 1] = {vreinterpretq_f32_f64(vtrn1q_f64(ab_odd, cd_odd))};
      out[i + 2] = {vreinterpretq_f32_f64(vtrn2q_f64(ab_even, cd_even))};
      out[i + 3] = {vreinterpretq_f32_f64(vtrn2q_f64(ab_odd, cd_odd))};
    }
  }

 private:
  static uint8x8_t four_bytes(const std::uint8_t* p) {
    std::uint32_t bytes = 0;
    __builtin_memcpy(&bytes, p, 4);
    return vreinterpret_u8_u32(vdup_n_u32(bytes));
  }
  static uint16x4_t words_of(I a) { return vmovn_u32(vreinterpretq_u32_s32(a.v)); }
  static uint32x4_t one_each() { return uint32x4_t{1, 2, 4, 8}; }
  static uint8x16_t quarter(const float* p) { return vreinterpretq_u8_f32(vld1q_f32(p)); }
  static float64x2_t pairs(float32x4_t a) { return vreinterpretq_f64_f32(a); }

  // The four bytes of the number at each index, as indices of bytes.
  static uint8x16_t bytes_of(I index, std::int32_t mask) {
    const int32x4_t first = vmulq_n_s32(vandq_s32(index.v, vdupq_n_s32(mask)), 0x0404'0404);
    return vreinterpretq_u8_s32(vaddq_s32(first, vdupq_n_s32(0x0302'0100)));
  }
};

}  // namespace
}  // namespace heirloom::kernels
