// AVX-512 (F, BW, DQ, VL) as a type of sixteen 32-bit lanes, with the names of lanes_avx2.hpp. In an anonymous
// namespace, so that whatever is instantiated with it has internal linkage. For isa_avx512.cpp alone.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace heirloom::kernels {
namespace {

struct Avx512 {
  static constexpr std::size_t lanes = 16;

  struct M {
    __mmask16 v;
    friend M operator&(M a, M b) { return {_kand_mask16(a.v, b.v)}; }
    friend M operator|(M a, M b) { return {_kor_mask16(a.v, b.v)}; }
    friend M operator^(M a, M b) { return {_kxor_mask16(a.v, b.v)}; }
  };
  struct F {
    __m512 v;
    friend F operator+(F a, F b) { return {_mm512_add_ps(a.v, b.v)}; }
    friend F operator-(F a, F b) { return {_mm512_sub_ps(a.v, b.v)}; }
    friend F operator*(F a, F b) { return {_mm512_mul_ps(a.v, b.v)}; }
    friend F operator/(F a, F b) { return {_mm512_div_ps(a.v, b.v)}; }
    friend M operator<(F a, F b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
    friend M operator<=(F a, F b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
    friend M operator>(F a, F b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)}; }
    friend M operator>=(F a, F b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GE_OQ)}; }
    friend M operator==(F a, F b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
    friend M operator!=(F a, F b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_NEQ_UQ)}; }
  };
  struct I {
    __m512i v;
    friend I operator+(I a, I b) { return {_mm512_add_epi32(a.v, b.v)}; }
    friend I operator-(I a, I b) { return {_mm512_sub_epi32(a.v, b.v)}; }
    friend I operator*(I a, I b) { return {_mm512_mullo_epi32(a.v, b.v)}; }
    friend I operator&(I a, I b) { return {_mm512_and_si512(a.v, b.v)}; }
    friend I operator|(I a, I b) { return {_mm512_or_si512(a.v, b.v)}; }
    friend I operator^(I a, I b) { return {_mm512_xor_si512(a.v, b.v)}; }
    friend M operator>(I a, I b) { return {_mm512_cmpgt_epi32_mask(a.v, b.v)}; }
    friend M operator==(I a, I b) { return {_mm512_cmpeq_epi32_mask(a.v, b.v)}; }
  };

  static F load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static void store(float* p, F a) { _mm512_storeu_ps(p, a.v); }
  static F all(float value) { return {_mm512_set1_ps(value)}; }
  static I load(const std::int32_t* p) { return {_mm512_loadu_si512(p)}; }
  static void store(std::int32_t* p, I a) { _mm512_storeu_si512(p, a.v); }
  static I all(std::int32_t value) { return {_mm512_set1_epi32(value)}; }
  static I load_u8(const std::uint8_t* p) { return {_mm512_cvtepu8_epi32(load_128(p))}; }
  static I load_i8(const std::uint8_t* p) { return {_mm512_cvtepi8_epi32(load_128(p))}; }
  static I load_u16(const std::uint16_t* p) { return {_mm512_cvtepu16_epi32(load_256(p))}; }
  static void store_u8(std::uint8_t* p, I a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a.v));
  }
  static void store_u8(std::uint8_t* p, I a, I b) {
    store_u8(p, a);
    store_u8(p + lanes, b);
  }
  static void store_i8(std::uint8_t* p, I a) { store_u8(p, a); }
  static void store_u16(std::uint8_t* p, I a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(a.v));
  }
  static void store_f16(std::uint16_t* p, F a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  static F load_f16(const std::uint16_t* p) { return {_mm512_cvtph_ps(load_256(p))}; }
  static F all_f16(std::uint16_t half) { return all(_cvtsh_ss(half)); }

  static F min(F a, F b) { return {_mm512_min_ps(a.v, b.v)}; }
  static F max(F a, F b) { return {_mm512_max_ps(a.v, b.v)}; }
  static I min(I a, I b) { return {_mm512_min_epi32(a.v, b.v)}; }
  static I max(I a, I b) { return {_mm512_max_epi32(a.v, b.v)}; }
  static F abs(F a) { return {_mm512_andnot_ps(_mm512_set1_ps(-0.0f), a.v)}; }
  static F negate(F a) { return {_mm512_xor_ps(_mm512_set1_ps(-0.0f), a.v)}; }
  static F sqrt(F a) { return {_mm512_sqrt_ps(a.v)}; }
  static F round(F a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
  static F to_float(I a) { return {_mm512_cvtepi32_ps(a.v)}; }
  static I truncate(F a) { return {_mm512_cvttps_epi32(a.v)}; }
  static F as_float(I a) { return {_mm512_castsi512_ps(a.v)}; }
  static I as_int(F a) { return {_mm512_castps_si512(a.v)}; }
  template <int n> static I shift_left(I a) { return {_mm512_slli_epi32(a.v, n)}; }
  template <int n> static I shift_right(I a) { return {_mm512_srli_epi32(a.v, n)}; }
  static I shift_left(I a, I counts) { return {_mm512_sllv_epi32(a.v, counts.v)}; }
  static I shift_right(I a, I counts) { return {_mm512_srlv_epi32(a.v, counts.v)}; }
  static I numbered() { return {_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)}; }

  static F select(M m, F a, F b) { return {_mm512_mask_blend_ps(m.v, b.v, a.v)}; }
  static I select(M m, I a, I b) { return {_mm512_mask_blend_epi32(m.v, b.v, a.v)}; }
  static bool any(M m) { return m.v != 0; }
  static std::uint32_t bits(M m) { return m.v; }
  static M mask(std::uint32_t bits) { return {static_cast<__mmask16>(bits)}; }
  static I ones(M m) { return {_mm512_movm_epi32(m.v)}; }

  using Table = __m512;
  static Table table8(const float* p) { return _mm512_castps256_ps512(_mm256_loadu_ps(p)); }
  static Table table4(const float* p) { return _mm512_broadcast_f32x4(_mm_loadu_ps(p)); }
  static F lookup8(Table table, I index) {
    return {_mm512_permutexvar_ps(_mm512_and_si512(index.v, _mm512_set1_epi32(7)), table)};
  }
  static F lookup4(Table table, I index) { return {_mm512_permutevar_ps(table, index.v)}; }
  using Table16 = __m512;
  static Table16 table16(const float* p) { return _mm512_loadu_ps(p); }
  static F lookup16(Table16 table, I index) { return {_mm512_permutexvar_ps(index.v, table)}; }

  // Lane g of out[i] is src[g * stride + i], for i below 8.
  static void load_columns(const float* src, std::size_t stride, F* out) {
    __m512 a[8], b[8];
    for (std::size_t k = 0; k < 4; ++k) {
      const float* p = src + k * stride;
      a[k] = four_quarters(p, stride);
      a[k + 4] = four_quarters(p + 4, stride);
    }
    for (std::size_t k = 0; k < 8; k += 2) {
      b[k] = _mm512_unpacklo_ps(a[k], a[k + 1]);
      b[k + 1] = _mm512_unpackhi_ps(a[k], a[k + 1]);
    }
    for (std::size_t k = 0; k < 8; k += 4) {
      out[k] = {_mm512_shuffle_ps(b[k], b[k + 2], 0x44)};
      out[k + 1] = {_mm512_shuffle_ps(b[k], b[k + 2], 0xee)};
      out[k + 2] = {_mm512_shuffle_ps(b[k + 1], b[k + 3], 0x44)};
      out[k + 3] = {_mm512_shuffle_ps(b[k + 1], b[k + 3], 0xee)};
    }
  }

 private:
  static __m128i load_128(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
  static __m256i load_256(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

  // Four numbers each of rows 0, 4, 8 and 12 from p on.
  static __m512 four_quarters(const float* p, std::size_t stride) {
    __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(p));
    v = _mm512_insertf32x4(v, _mm_loadu_ps(p + 4 * stride), 1);
    v = _mm512_insertf32x4(v, _mm_loadu_ps(p + 8 * stride), 2);
    return _mm512_insertf32x4(v, _mm_loadu_ps(p + 12 * stride), 3);
  }
};

}  // namespace
}  // namespace heirloom::kernels
