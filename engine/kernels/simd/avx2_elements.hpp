// AVX2 and F16C: conversions of single numbers, eight (from binary64: four) at a time, tails by element.hpp.
// For isa_avx2.cpp and isa_avx512.cpp; internal linkage throughout.
#pragma once

#include "engine/kernels/element.hpp"

#include <immintrin.h>

namespace heirloom::kernels::avx2 {

static inline __m128i load_128(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
static inline __m256i load_256(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
static inline void store_128(void* p, __m128i v) { _mm_storeu_si128(static_cast<__m128i*>(p), v); }
static inline void store_256(void* p, __m256i v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }

static inline __m256i all(std::uint32_t value) { return _mm256_set1_epi32(static_cast<int>(value)); }
static inline __m256i select(__m256i mask, __m256i yes, __m256i no) { return _mm256_blendv_epi8(no, yes, mask); }

// Eight 32-bit lanes, each a number below 2^16, as 16-bit numbers in order.
static inline __m128i pack_u16(__m256i v) {
  return _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}
// Eight 32-bit lanes, each a number below 2^8, as bytes in order, in the lower half.
static inline __m128i pack_u8(__m256i v) {
  const __m128i words = pack_u16(v);
  return _mm_packus_epi16(words, words);
}

static void f16_to_f32_8(const std::uint8_t* src, float* dst) { _mm256_storeu_ps(dst, _mm256_cvtph_ps(load_128(src))); }

static void bf16_to_f32_8(const std::uint8_t* src, float* dst) {
  store_256(dst, _mm256_slli_epi32(_mm256_cvtepu16_epi32(load_128(src)), 16));
}

static void f8_e5m2_to_f32_8(const std::uint8_t* src, float* dst) {
  const __m128i codes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(src));
  _mm256_storeu_ps(dst, _mm256_cvtph_ps(_mm_unpacklo_epi8(_mm_setzero_si128(), codes)));
}

static void f8_e4m3_to_f32_8(const std::uint8_t* src, float* dst) {
  const __m256i codes = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(src)));
  const __m256i magnitude = _mm256_and_si256(codes, all(0x7f));
  const __m256i sign = _mm256_slli_epi32(_mm256_xor_si256(codes, magnitude), 24);
  const __m128i halves = pack_u16(_mm256_slli_epi32(magnitude, 7));
  const __m256i values = _mm256_castps_si256(_mm256_mul_ps(_mm256_cvtph_ps(halves), _mm256_set1_ps(256.0f)));
  const __m256i is_nan = _mm256_cmpeq_epi32(magnitude, all(0x7f));
  store_256(dst, _mm256_or_si256(sign, select(is_nan, all(infinity_bits | quiet_bit), values)));
}

static void f32_to_f16_8(const float* src, std::uint8_t* dst) {
  store_128(dst, _mm256_cvtps_ph(_mm256_loadu_ps(src), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

static void f32_to_bf16_8(const float* src, std::uint8_t* dst) {
  const __m256i bits = load_256(src);
  const __m256i upper = _mm256_srli_epi32(bits, 16);
  const __m256i round = _mm256_add_epi32(all(0x7fff), _mm256_and_si256(upper, all(1)));
  const __m256i number = _mm256_srli_epi32(_mm256_add_epi32(bits, round), 16);
  const __m256i is_nan = _mm256_cmpgt_epi32(_mm256_and_si256(bits, all(~sign_bit)), all(infinity_bits));
  store_128(dst, pack_u16(select(is_nan, _mm256_or_si256(upper, all(64)), number)));
}

// narrowed() of element.hpp for eight magnitudes. Normal numbers round in integers; subnormals by adding the power of
// two whose last place is the narrow format's smallest number, so that the addition rounds.
template <unsigned fraction_bits, unsigned bias>
static __m256i narrowed_8(__m256i magnitude) {
  constexpr unsigned dropped = 23 - fraction_bits;
  constexpr std::uint32_t rebias = 127 - bias;
  constexpr std::uint32_t aligner = (rebias + dropped + 1) << 23;
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(magnitude, dropped), all(1));
  const __m256i half = _mm256_add_epi32(odd, all((1u << (dropped - 1)) - 1 - (rebias << 23)));
  const __m256i normal = _mm256_srli_epi32(_mm256_add_epi32(magnitude, half), dropped);
  const __m256 aligned = _mm256_add_ps(_mm256_castsi256_ps(magnitude), _mm256_castsi256_ps(all(aligner)));
  const __m256i subnormal = _mm256_sub_epi32(_mm256_castps_si256(aligned), all(aligner));
  return select(_mm256_cmpgt_epi32(all((rebias + 1) << 23), magnitude), subnormal, normal);
}

static void f32_to_f8_e5m2_8(const float* src, std::uint8_t* dst) {
  const __m256i bits = load_256(src);
  const __m256i magnitude = _mm256_and_si256(bits, all(~sign_bit));
  const __m256i sign = _mm256_slli_epi32(_mm256_srli_epi32(bits, 31), 7);
  const __m256i number = _mm256_min_epu32(narrowed_8<2, 15>(magnitude), all(0x7c));
  const __m256i nan = _mm256_or_si256(all(0x7e), _mm256_and_si256(_mm256_srli_epi32(magnitude, 21), all(1)));
  const __m256i is_nan = _mm256_cmpgt_epi32(magnitude, all(infinity_bits));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(dst), pack_u8(_mm256_or_si256(sign, select(is_nan, nan, number))));
}

static void f32_to_f8_e4m3_8(const float* src, std::uint8_t* dst) {
  const __m256i bits = load_256(src);
  const __m256i magnitude = _mm256_and_si256(bits, all(~sign_bit));
  const __m256i sign = _mm256_slli_epi32(_mm256_srli_epi32(bits, 31), 7);
  const __m256i code = _mm256_min_epu32(narrowed_8<3, 7>(magnitude), all(0x7f));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(dst), pack_u8(_mm256_or_si256(sign, code)));
}

static void f64_to_f32_4(const std::uint8_t* src, float* dst) {
  _mm_storeu_ps(dst, _mm256_cvtpd_ps(_mm256_castsi256_pd(load_256(src))));
}

// Four 64-bit masks as 32-bit masks.
static inline __m128i narrow_masks(__m256d masks) {
  const __m128 low = _mm256_castps256_ps128(_mm256_castpd_ps(masks));
  const __m128 high = _mm256_extractf128_ps(_mm256_castpd_ps(masks), 1);
  return _mm_castps_si128(_mm_shuffle_ps(low, high, _MM_SHUFFLE(2, 0, 2, 0)));
}

// Rounded to nearest, taken one back where that went away from zero, last bit set where it is not exact. A NaN compares
// as neither.
static void f64_to_f32_odd_4(const std::uint8_t* src, float* dst) {
  const __m256d value = _mm256_castsi256_pd(load_256(src));
  const __m128 nearest = _mm256_cvtpd_ps(value);
  const __m256d back = _mm256_cvtps_pd(nearest);
  const __m256d sign = _mm256_set1_pd(-0.0);
  const __m256d is_above = _mm256_cmp_pd(_mm256_andnot_pd(sign, back), _mm256_andnot_pd(sign, value), _CMP_GT_OQ);
  const __m256d is_inexact = _mm256_cmp_pd(back, value, _CMP_NEQ_OQ);
  const __m128i truncated = _mm_add_epi32(_mm_castps_si128(nearest), narrow_masks(is_above));
  store_128(dst, _mm_or_si128(truncated, _mm_srli_epi32(narrow_masks(is_inexact), 31)));
}

}  // namespace heirloom::kernels::avx2
