// AVX2 as a type: eight 32-bit lanes. Kernels that put independent groups in lanes are templates on such a type and so
// exist once for all instruction sets; lanes_neon.hpp and lanes_avx512.hpp offer the same names. In an anonymous
// namespace, so that whatever is instantiated with it has internal linkage. For isa_avx2*.cpp alone.
//
// What every such type V offers (lane by lane unless said otherwise):
//   V::lanes            how many
//   V::F, V::I, V::M    binary32 numbers, 32-bit integers, masks; F and I have + - * (F also /), I and M have & | ^
//   min, max            a < b ? a : b and a > b ? a : b, so b where either is NaN
//   <, <=, >, >=, ==    of F: false where either is NaN; != is true there. == and > of I, signed
//   round               to the nearest integer, ties to even
//   select(m, a, b)     a where m, else b
//   any(m), bits(m)     whether any lane is set; lane i as bit i
//   load_columns        eight numbers of each of `lanes` rows that are `stride` apart, transposed
//   least               the least of all lanes, in each of them
//   lookup8, lookup4    table[index & 7], table[index & 3]: a table of eight (four) floats held in a Table, which
//                       table8 and table4 make of floats in memory or of a vector of eight lanes
//   lookup16            table[index], index below 16
//   mask(bits), ones(m) bit i as lane i (higher bits do not matter); all bits of a lane where it is set, else none
//   numbered            0, 1, 2 ... by lane
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace heirloom::kernels {
namespace {

struct Avx2 {
  static constexpr std::size_t lanes = 8;

  struct M {
    __m256 v;
    friend M operator&(M a, M b) { return {_mm256_and_ps(a.v, b.v)}; }
    friend M operator|(M a, M b) { return {_mm256_or_ps(a.v, b.v)}; }
    friend M operator^(M a, M b) { return {_mm256_xor_ps(a.v, b.v)}; }
  };
  struct F {
    __m256 v;
    friend F operator+(F a, F b) { return {_mm256_add_ps(a.v, b.v)}; }
    friend F operator-(F a, F b) { return {_mm256_sub_ps(a.v, b.v)}; }
    friend F operator*(F a, F b) { return {_mm256_mul_ps(a.v, b.v)}; }
    friend F operator/(F a, F b) { return {_mm256_div_ps(a.v, b.v)}; }
    friend M operator<(F a, F b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
    friend M operator<=(F a, F b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)}; }
    friend M operator>(F a, F b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ)}; }
    friend M operator>=(F a, F b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GE_OQ)}; }
    friend M operator==(F a, F b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
    friend M operator!=(F a, F b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_NEQ_UQ)}; }
  };
  struct I {
    __m256i v;
    friend I operator+(I a, I b) { return {_mm256_add_epi32(a.v, b.v)}; }
    friend I operator-(I a, I b) { return {_mm256_sub_epi32(a.v, b.v)}; }
    friend I operator*(I a, I b) { return {_mm256_mullo_epi32(a.v, b.v)}; }
    friend I operator&(I a, I b) { return {_mm256_and_si256(a.v, b.v)}; }
    friend I operator|(I a, I b) { return {_mm256_or_si256(a.v, b.v)}; }
    friend I operator^(I a, I b) { return {_mm256_xor_si256(a.v, b.v)}; }
    friend M operator>(I a, I b) { return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(a.v, b.v))}; }
    friend M operator==(I a, I b) { return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.v, b.v))}; }
  };

  static F load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static void store(float* p, F a) { _mm256_storeu_ps(p, a.v); }
  static F all(float value) { return {_mm256_set1_ps(value)}; }
  static I load(const std::int32_t* p) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
  static void store(std::int32_t* p, I a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.v); }
  static I all(std::int32_t value) { return {_mm256_set1_epi32(value)}; }
  // Bytes and 16-bit numbers without sign, and bytes with sign, as 32-bit lanes.
  static I load_u8(const std::uint8_t* p) {
    return {_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)))};
  }
  static I load_i8(const std::uint8_t* p) {
    return {_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)))};
  }
  static I load_u16(const std::uint16_t* p) {
    return {_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
  }
  // Lanes that are at least 0 and below 256, as bytes.
  static void store_u8(std::uint8_t* p, I a) {
    const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(a.v), _mm256_extracti128_si256(a.v, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
  }
  static void store_u8(std::uint8_t* p, I a, I b) {
    const __m256i words = _mm256_packus_epi32(a.v, b.v);  // the lower halves of both, then the upper ones
    const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_shuffle_epi32(bytes, _MM_SHUFFLE(3, 1, 2, 0)));
  }
  // Lanes that are at least -128 and below 128, as bytes.
  static void store_i8(std::uint8_t* p, I a, I b) {
    const __m256i words = _mm256_packs_epi32(a.v, b.v);
    const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_shuffle_epi32(bytes, _MM_SHUFFLE(3, 1, 2, 0)));
  }
  // Lanes that are at least 0 and below 65536, as 16-bit numbers.
  static void store_u16(std::uint8_t* p, I a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm_packus_epi32(_mm256_castsi256_si128(a.v), _mm256_extracti128_si256(a.v, 1)));
  }
  // binary32 to binary16 and back, round to nearest even.
  static void store_f16(std::uint16_t* p, F a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  static F load_f16(const std::uint16_t* p) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
  }
  static F all_f16(std::uint16_t half) { return all(_cvtsh_ss(half)); }

  static F min(F a, F b) { return {_mm256_min_ps(a.v, b.v)}; }
  static F max(F a, F b) { return {_mm256_max_ps(a.v, b.v)}; }
  static I min(I a, I b) { return {_mm256_min_epi32(a.v, b.v)}; }
  static I max(I a, I b) { return {_mm256_max_epi32(a.v, b.v)}; }
  static F abs(F a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
  static F negate(F a) { return {_mm256_xor_ps(_mm256_set1_ps(-0.0f), a.v)}; }
  static F sqrt(F a) { return {_mm256_sqrt_ps(a.v)}; }
  static F round(F a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
  static F to_float(I a) { return {_mm256_cvtepi32_ps(a.v)}; }
  static I truncate(F a) { return {_mm256_cvttps_epi32(a.v)}; }  // for what fits
  static F as_float(I a) { return {_mm256_castsi256_ps(a.v)}; }
  static I as_int(F a) { return {_mm256_castps_si256(a.v)}; }
  template <int n> static I shift_left(I a) { return {_mm256_slli_epi32(a.v, n)}; }
  template <int n> static I shift_right(I a) { return {_mm256_srli_epi32(a.v, n)}; }
  static I shift_left(I a, I counts) { return {_mm256_sllv_epi32(a.v, counts.v)}; }
  static I shift_right(I a, I counts) { return {_mm256_srlv_epi32(a.v, counts.v)}; }
  static I numbered() { return {_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)}; }

  static F select(M m, F a, F b) { return {_mm256_blendv_ps(b.v, a.v, m.v)}; }
  static I select(M m, I a, I b) {
    return {_mm256_blendv_epi8(b.v, a.v, _mm256_castps_si256(m.v))};
  }
  static F least(F a) {
    const __m256 halves = _mm256_min_ps(a.v, _mm256_permute2f128_ps(a.v, a.v, 1));
    const __m256 quarters = _mm256_min_ps(halves, _mm256_shuffle_ps(halves, halves, 0x4e));
    return {_mm256_min_ps(quarters, _mm256_shuffle_ps(quarters, quarters, 0xb1))};
  }
  static bool any(M m) { return _mm256_movemask_ps(m.v) != 0; }
  static std::uint32_t bits(M m) { return static_cast<std::uint32_t>(_mm256_movemask_ps(m.v)); }
  static M mask(std::uint32_t bits) {
    const I one_each{_mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128)};
    return (all(static_cast<std::int32_t>(bits)) & one_each) == one_each;
  }
  static I ones(M m) { return {_mm256_castps_si256(m.v)}; }

  using Table = __m256;
  static Table table8(const float* p) { return _mm256_loadu_ps(p); }
  static Table table4(const float* p) { return _mm256_broadcast_ps(reinterpret_cast<const __m128*>(p)); }
  static Table table8(F a) { return a.v; }
  static Table table4(F a) { return _mm256_permute2f128_ps(a.v, a.v, 0); }
  static F lookup8(Table table, I index) { return {_mm256_permutevar8x32_ps(table, index.v)}; }
  static F lookup4(Table table, I index) { return {_mm256_permutevar_ps(table, index.v)}; }

  struct Table16 {
    __m256 low, high;
  };
  static Table16 table16(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static F lookup16(Table16 table, I index) {
    const __m256 is_high = _mm256_castsi256_ps(_mm256_slli_epi32(index.v, 28));
    return {_mm256_blendv_ps(_mm256_permutevar8x32_ps(table.low, index.v),
                             _mm256_permutevar8x32_ps(table.high, index.v), is_high)};
  }

  // Lane g of out[i] is src[g * stride + i], for i below 8.
  static void load_columns(const float* src, std::size_t stride, F* out) {
    __m256 a[8], b[8];
    for (std::size_t k = 0; k < 4; ++k) {
      const float* p = src + k * stride;
      a[k] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(p + 4 * stride), 1);
      a[k + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p + 4)), _mm_loadu_ps(p + 4 * stride + 4), 1);
    }
    for (std::size_t k = 0; k < 8; k += 2) {
      b[k] = _mm256_unpacklo_ps(a[k], a[k + 1]);
      b[k + 1] = _mm256_unpackhi_ps(a[k], a[k + 1]);
    }
    for (std::size_t k = 0; k < 8; k += 4) {
      out[k] = {_mm256_shuffle_ps(b[k], b[k + 2], 0x44)};
      out[k + 1] = {_mm256_shuffle_ps(b[k], b[k + 2], 0xee)};
      out[k + 2] = {_mm256_shuffle_ps(b[k + 1], b[k + 3], 0x44)};
      out[k + 3] = {_mm256_shuffle_ps(b[k + 1], b[k + 3], 0xee)};
    }
  }
};

}  // namespace
}  // namespace heirloom::kernels
