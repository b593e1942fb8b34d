// One quantized block at a time: what every row of kernels gives, bit for bit. The order of operations is that of
// ggml's quantize_row_q8_0_ref, quantize_row_q4_0_ref and dequantize_row_* (formats/facts/gguf.md#types).
// Internal linkage throughout, for the reason given in element.hpp. All functions are pure but for their output.
#pragma once

#include "engine/kernels/element.hpp"

namespace heirloom::kernels {

constexpr std::size_t block_elements = 32;
constexpr std::size_t q8_0_bytes = 34;
constexpr std::size_t q4_0_bytes = 18;

static inline float magnitude_of(float value) { return float_of(bits_of(value) & ~sign_bit); }

// The integer part; what does not fit, NaN too, gives the least integer, as the x86 instruction does.
static inline std::int32_t truncated(float value) {
  return value >= -2147483648.0f && value < 2147483648.0f ? static_cast<std::int32_t>(value) : INT32_MIN;
}

// Ties away from zero: adding the number just below one half carries exactly those values over that are to go up.
static inline std::int32_t rounded(float value) {
  return truncated(value + float_of(0x3eff'ffff | (bits_of(value) & sign_bit)));
}

// scale * q where the scale may be anything. Infinity times zero is NaN; its bits are chosen, not left to the machine.
static inline float scaled(float scale, int q) {
  if ((bits_of(scale) & ~sign_bit) < infinity_bits)
    return scale * static_cast<float>(q);
  if ((bits_of(scale) & ~sign_bit) == infinity_bits && q == 0)
    return float_of(sign_bit | infinity_bits | quiet_bit);
  return scale * static_cast<float>(q);
}

// A NaN scale is always the same one, as in ggml.
static inline std::uint16_t scale_to_f16(float scale) {
  const std::uint16_t half = f32_to_f16(scale);
  return (half & 0x7fff) > 0x7c00 ? static_cast<std::uint16_t>((half & 0x8000) | 0x7e00) : half;
}

// Q8_0 block, 34 bytes, little endian:
//   | 0..1 scale f16 | 2..33 thirty-two i8 weights |      weight = scale * q
// The scale is the largest magnitude / 127, q is rounded with ties away from zero. A zero block has scale 0 and q = 0.
static inline void encode_q8_0_block(const float* src, std::uint8_t* dst) {
  float largest = 0.0f;
  for (std::size_t i = 0; i < block_elements; ++i) {
    const float magnitude = magnitude_of(src[i]);
    largest = largest > magnitude ? largest : magnitude;  // a NaN is taken, and given up for what follows it
  }
  const float scale = largest / 127.0f;
  const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
  store_u16(dst, scale_to_f16(scale));
  for (std::size_t i = 0; i < block_elements; ++i) dst[2 + i] = static_cast<std::uint8_t>(rounded(src[i] * inverse));
}

static inline void decode_q8_0_block(const std::uint8_t* src, float* dst) {
  const float scale = f16_to_f32(load_u16(src));
  for (std::size_t i = 0; i < block_elements; ++i) dst[i] = scaled(scale, static_cast<std::int8_t>(src[2 + i]));
}

// Q4_0 block, 18 bytes, little endian:
//   | 0..1 scale f16 | 2..17 sixteen bytes: low nibble q[i], high nibble q[i + 16] |      weight = scale * (q - 8)
// The scale is the value of largest magnitude (the first one) / -8. A zero block has scale -0 and q = 8.
static inline void encode_q4_0_block(const float* src, std::uint8_t* dst) {
  float largest = 0.0f;
  float extreme = 0.0f;
  for (std::size_t i = 0; i < block_elements; ++i) {
    const float magnitude = magnitude_of(src[i]);
    if (largest < magnitude) {
      largest = magnitude;
      extreme = src[i];
    }
  }
  const float scale = extreme / -8.0f;
  const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
  store_u16(dst, scale_to_f16(scale));
  for (std::size_t i = 0; i < block_elements / 2; ++i) {
    const auto low = static_cast<std::int8_t>(truncated(src[i] * inverse + 8.5f));
    const auto high = static_cast<std::int8_t>(truncated(src[i + 16] * inverse + 8.5f));
    dst[2 + i] = static_cast<std::uint8_t>((low < 15 ? low : 15) | (high < 15 ? high : 15) << 4);
  }
}

static inline void decode_q4_0_block(const std::uint8_t* src, float* dst) {
  const float scale = f16_to_f32(load_u16(src));
  for (std::size_t i = 0; i < block_elements / 2; ++i) {
    dst[i] = scaled(scale, (src[2 + i] & 15) - 8);
    dst[i + 16] = scaled(scale, (src[2 + i] >> 4) - 8);
  }
}

}  // namespace heirloom::kernels
