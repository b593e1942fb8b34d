// Kernels: the innermost loops, one table of function pointers per instruction set. The scalar row defines the bits;
// every other row gives the same bits for the same input, for every length. Byte pointers may be unaligned, ranges do
// not overlap, nothing is allocated. Tables are constant: any thread may call anything. The row is chosen once, by
// asking the CPU; HEIRLOOM_ISA=scalar|avx2|neon|avx512 forces one and fails loudly where it is absent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace heirloom::kernels {

// One block encoding, equal to ggml's byte for byte. n is whole blocks; encode_weighted takes rows of n weights each and
// one importance, not negative, for each of their n columns. Null: encode where ggml makes none without an importance,
// encode_weighted where an importance changes nothing.
struct BlockKernels {
  void (*encode)(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
  void (*encode_weighted)(const float* src, const float* importance, std::uint8_t* dst, std::size_t rows,
                          std::size_t n) noexcept;
  void (*decode)(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
};

struct Blocks {
  BlockKernels q4_1, q5_0, q5_1;
  BlockKernels q2_k, q3_k, q4_k, q5_k, q6_k;
  BlockKernels iq4_nl, iq4_xs;
  BlockKernels mxfp4, nvfp4;
  BlockKernels tq1_0, tq2_0, q1_0, q2_0;
  BlockKernels iq2_xxs, iq2_xs, iq2_s, iq3_xxs, iq3_s, iq1_s, iq1_m;
};

struct Kernels {
  std::string_view name;  // "scalar", "avx2", "avx512", "neon"
  std::size_t lanes;      // 32-bit lanes

  // Widening: exact. A NaN keeps its sign and payload; f16 and f8 NaNs become quiet, bf16 is its bits shifted.
  void (*f16_to_f32)(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
  void (*bf16_to_f32)(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
  void (*f8_e4m3_to_f32)(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
  void (*f8_e5m2_to_f32)(const std::uint8_t* src, float* dst, std::size_t n) noexcept;

  // Narrowing: round to nearest, ties to even. f16 and e5m2 overflow to infinity; e4m3fn, which has none, to NaN.
  // NaN keeps its sign and its payload's upper bits and is made quiet (e4m3fn has a single NaN for each sign).
  void (*f32_to_f16)(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
  void (*f32_to_bf16)(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
  void (*f32_to_f8_e4m3)(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
  void (*f32_to_f8_e5m2)(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
  // f64 to f32 rounded to nearest even, and rounded to odd (so that a second rounding to a narrower type is right).
  void (*f64_to_f32)(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
  void (*f64_to_f32_odd)(const std::uint8_t* src, float* dst, std::size_t n) noexcept;

  // Blocks; n is a multiple of 32 elements. Equal to ggml's quantize_row_*_ref and dequantize_row_*, byte for byte.
  void (*encode_q8_0)(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
  void (*decode_q8_0)(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
  void (*encode_q4_0)(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
  void (*decode_q4_0)(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
  void (*encode_weighted_q4_0)(const float* src, const float* importance, std::uint8_t* dst, std::size_t rows,
                               std::size_t n) noexcept;

  // Bits of the largest magnitude, without sign: the order of the bits is that of the numbers, and NaN is above infinity.
  std::uint32_t (*largest_magnitude)(const float* src, std::size_t n) noexcept;

  Blocks blocks;
};

extern const Kernels scalar_kernels;

// Rows that this machine can run: scalar first, the one to use last. AVX-512, whose use may slow down what runs beside
// it, is never the last.
std::span<const Kernels* const> supported();

// The row with this name, or null where this machine cannot run it.
const Kernels* find_row(std::string_view name);

// The row to use: HEIRLOOM_ISA's, or the last supported. Null when HEIRLOOM_ISA names one that is absent.
const Kernels* chosen();

}  // namespace heirloom::kernels
