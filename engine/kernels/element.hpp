// One number at a time, in integer arithmetic: what every row of kernels gives, bit for bit. The scalar row loops over
// these functions, the others use them for tails and for what is rare.
// Everything here has internal linkage, and nothing calls a library template: each isa_*.cpp has its own instruction
// set flags, and the linker must never take one's copy of a function for another's. All functions are pure.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heirloom::kernels {

static inline std::uint32_t bits_of(float value) { return __builtin_bit_cast(std::uint32_t, value); }
static inline float float_of(std::uint32_t bits) { return __builtin_bit_cast(float, bits); }
static inline double double_of(std::uint64_t bits) { return __builtin_bit_cast(double, bits); }

static inline std::uint16_t load_u16(const std::uint8_t* p) { return static_cast<std::uint16_t>(p[0] | p[1] << 8); }
static inline void store_u16(std::uint8_t* p, std::uint16_t value) {
  p[0] = static_cast<std::uint8_t>(value);
  p[1] = static_cast<std::uint8_t>(value >> 8);
}
static inline std::uint64_t load_u64(const std::uint8_t* p) {
  std::uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | p[i];
  return value;
}

constexpr std::uint32_t sign_bit = 0x8000'0000;
constexpr std::uint32_t infinity_bits = 0x7f80'0000;
constexpr std::uint32_t quiet_bit = 0x0040'0000;

// binary32   | 31 sign | 30..23 exponent, bias 127 | 22..0 fraction |
// binary16   | 15 sign | 14..10 exponent, bias 15  |  9..0 fraction |
static inline float f16_to_f32(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
  const std::uint32_t exponent = half >> 10 & 0x1fu;
  const std::uint32_t fraction = half & 0x3ffu;
  if (exponent == 0x1f)
    return float_of(sign | infinity_bits | fraction << 13 | (fraction != 0 ? quiet_bit : 0));
  if (exponent != 0)
    return float_of(sign | (exponent + 112) << 23 | fraction << 13);
  if (fraction == 0)
    return float_of(sign);
  const auto shift = static_cast<std::uint32_t>(__builtin_clz(fraction)) - 21;  // brings the leading one to bit 10
  return float_of(sign | (113 - shift) << 23 | (fraction << shift & 0x3ffu) << 13);
}

// bfloat16 is the upper half of binary32; a NaN keeps its bits, as everywhere else in the field.
static inline float bf16_to_f32(std::uint16_t value) { return float_of(static_cast<std::uint32_t>(value) << 16); }

// e5m2 is the upper half of binary16.
static inline float f8_e5m2_to_f32(std::uint8_t value) { return f16_to_f32(static_cast<std::uint16_t>(value << 8)); }

// e4m3fn     | 7 sign | 6..3 exponent, bias 7 | 2..0 fraction |   no infinity, 0x7f and 0xff are NaN
static inline float f8_e4m3_to_f32(std::uint8_t value) {
  const std::uint32_t sign = static_cast<std::uint32_t>(value & 0x80) << 24;
  if ((value & 0x7f) == 0x7f)
    return float_of(sign | infinity_bits | quiet_bit);
  // As a binary16 with the same fields the value is 2^8 times too small.
  const float scaled = f16_to_f32(static_cast<std::uint16_t>((value & 0x7f) << 7));
  return float_of(sign | bits_of(scaled * 256.0f));
}

// The code, without sign, of the number nearest to a finite binary32 (given as its bits without sign) in a format with
// `fraction_bits` and `bias`; ties to the even code. May lie above the format's largest: the caller clamps it.
static inline std::uint32_t narrowed(std::uint32_t magnitude, unsigned fraction_bits, unsigned bias) {
  const unsigned dropped = 23 - fraction_bits;
  const unsigned rebias = 127 - bias;
  const std::uint32_t exponent = magnitude >> 23;
  std::uint32_t significand = magnitude - (rebias << 23);
  unsigned shift = dropped;
  if (exponent <= rebias) {  // a subnormal of the narrow format
    shift = dropped + 1 + rebias - (exponent == 0 ? 1 : exponent);
    if (shift > 24)
      return 0;
    significand = (magnitude & 0x7f'ffff) | (exponent == 0 ? 0 : 0x80'0000);
  }
  const std::uint32_t odd = significand >> shift & 1;
  return (significand + (1u << (shift - 1)) - 1 + odd) >> shift;
}

static inline std::uint16_t f32_to_f16(float value) {
  const std::uint32_t bits = bits_of(value);
  const std::uint32_t sign = bits >> 16 & 0x8000;
  const std::uint32_t magnitude = bits & ~sign_bit;
  if (magnitude > infinity_bits)
    return static_cast<std::uint16_t>(sign | 0x7e00 | (magnitude >> 13 & 0x1ff));
  const std::uint32_t code = narrowed(magnitude, 10, 15);
  return static_cast<std::uint16_t>(sign | (code < 0x7c00 ? code : 0x7c00));
}

static inline std::uint16_t f32_to_bf16(float value) {
  const std::uint32_t bits = bits_of(value);
  if ((bits & ~sign_bit) > infinity_bits)
    return static_cast<std::uint16_t>(bits >> 16 | 64);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline std::uint8_t f32_to_f8_e5m2(float value) {
  const std::uint32_t bits = bits_of(value);
  const std::uint32_t sign = bits >> 24 & 0x80;
  const std::uint32_t magnitude = bits & ~sign_bit;
  if (magnitude > infinity_bits)
    return static_cast<std::uint8_t>(sign | 0x7e | (magnitude >> 21 & 1));
  const std::uint32_t code = narrowed(magnitude, 2, 15);
  return static_cast<std::uint8_t>(sign | (code < 0x7c ? code : 0x7c));
}

static inline std::uint8_t f32_to_f8_e4m3(float value) {
  const std::uint32_t bits = bits_of(value);
  const std::uint32_t sign = bits >> 24 & 0x80;
  const std::uint32_t magnitude = bits & ~sign_bit;
  const std::uint32_t code = magnitude >= infinity_bits ? 0x7f : narrowed(magnitude, 3, 7);
  return static_cast<std::uint8_t>(sign | (code < 0x7f ? code : 0x7f));
}

// binary64   | 63 sign | 62..52 exponent, bias 1023 | 51..0 fraction |
static inline bool is_nan_f64(std::uint64_t bits) { return bits << 1 > 0xffe0'0000'0000'0000; }
static inline float nan_of_f64(std::uint64_t bits) {
  return float_of((static_cast<std::uint32_t>(bits >> 32) & sign_bit) | infinity_bits | quiet_bit |
                  (static_cast<std::uint32_t>(bits >> 29) & 0x3f'ffff));
}

static inline float f64_to_f32(std::uint64_t bits) {
  return is_nan_f64(bits) ? nan_of_f64(bits) : static_cast<float>(double_of(bits));
}

// Towards zero, then the last bit set when something was lost. A finite number too large gives the largest finite one,
// whose last bit is set; a number below the smallest subnormal gives that one.
static inline float f64_to_f32_odd(std::uint64_t bits) {
  if (is_nan_f64(bits))
    return nan_of_f64(bits);
  const std::uint32_t sign = static_cast<std::uint32_t>(bits >> 32) & sign_bit;
  const std::uint64_t magnitude = bits & 0x7fff'ffff'ffff'ffff;
  const std::uint64_t exponent = magnitude >> 52;
  if (exponent == 0x7ff)
    return float_of(sign | infinity_bits);
  if (exponent > 1023 + 127)
    return float_of(sign | (infinity_bits - 1));
  if (exponent > 1023 - 127) {
    const std::uint64_t rebased = magnitude - (std::uint64_t{1023 - 127} << 52);
    return float_of(sign | static_cast<std::uint32_t>(rebased >> 29) | ((rebased & 0x1fff'ffff) != 0));
  }
  if (exponent < 1023 - 150)
    return float_of(sign | (magnitude != 0));
  const std::uint64_t significand = (magnitude & 0xf'ffff'ffff'ffff) | 0x10'0000'0000'0000;
  const unsigned shift = 29 + static_cast<unsigned>(1023 - 126 - exponent);
  const bool is_inexact = (significand & ((std::uint64_t{1} << shift) - 1)) != 0;
  return float_of(sign | static_cast<std::uint32_t>(significand >> shift) | is_inexact);
}

}  // namespace heirloom::kernels
