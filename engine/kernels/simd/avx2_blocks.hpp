// AVX2: quantized blocks. Scales are found for eight blocks at once, a block to a lane; each block's weights then keep
// the reference's order of operations. Groups with infinities, NaN or scales whose inverse overflows go to block.hpp,
// and so do the blocks left over. For isa_avx2.cpp and isa_avx512.cpp; internal linkage throughout.
#pragma once

#include "engine/kernels/block.hpp"
#include "engine/kernels/simd/avx2_elements.hpp"

namespace heirloom::kernels::avx2 {

constexpr std::size_t group_blocks = 8;

// Largest magnitudes from here to below infinity give scales whose inverse is finite.
constexpr std::uint32_t smallest_safe_magnitude = 0x0400'0000;

static inline __m256i max_signed(__m256i a, __m256i b) { return _mm256_max_epi32(a, b); }
static inline __m256i max_unsigned(__m256i a, __m256i b) { return _mm256_max_epu32(a, b); }

// Lane k of the result: the largest of the eight lanes of v[k].
template <auto max>
static __m256i largest_of_each(const __m256i v[8]) {
  __m256i pairs[4];
  for (int i = 0; i < 4; ++i)
    pairs[i] = max(_mm256_unpacklo_epi32(v[2 * i], v[2 * i + 1]), _mm256_unpackhi_epi32(v[2 * i], v[2 * i + 1]));
  const __m256i low = max(_mm256_unpacklo_epi64(pairs[0], pairs[1]), _mm256_unpackhi_epi64(pairs[0], pairs[1]));
  const __m256i high = max(_mm256_unpacklo_epi64(pairs[2], pairs[3]), _mm256_unpackhi_epi64(pairs[2], pairs[3]));
  return max(_mm256_permute2x128_si256(low, high, 0x20), _mm256_permute2x128_si256(low, high, 0x31));
}

static inline bool is_safe(__m256i magnitudes) {
  const __m256i too_large = _mm256_cmpgt_epi32(magnitudes, all(infinity_bits - 1));
  const __m256i too_small = _mm256_cmpgt_epi32(all(smallest_safe_magnitude), magnitudes);
  const __m256i is_zero = _mm256_cmpeq_epi32(magnitudes, _mm256_setzero_si256());
  const __m256i is_unsafe = _mm256_or_si256(too_large, _mm256_andnot_si256(is_zero, too_small));
  return _mm256_testz_si256(is_unsafe, is_unsafe) != 0;
}

struct Scales {
  std::uint16_t half[group_blocks];
  float inverse[group_blocks];
};

static inline Scales scales_of(__m256 extremes, float divisor) {
  const __m256 scale = _mm256_div_ps(extremes, _mm256_set1_ps(divisor));
  const __m256 is_not_zero = _mm256_cmp_ps(scale, _mm256_setzero_ps(), _CMP_NEQ_UQ);
  const __m256 inverse = _mm256_and_ps(_mm256_div_ps(_mm256_set1_ps(1.0f), scale), is_not_zero);
  Scales scales;
  store_128(scales.half, _mm256_cvtps_ph(scale, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  _mm256_storeu_ps(scales.inverse, inverse);
  return scales;
}

// Thirty-two 32-bit lanes, small enough, as bytes in order.
static inline __m256i pack_block(__m256i a, __m256i b, __m256i c, __m256i d) {
  const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
  return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

// rounded() of block.hpp for numbers that fit.
static inline __m256i rounded_8(__m256 value) {
  const __m256 sign = _mm256_and_ps(value, _mm256_set1_ps(-0.0f));
  const __m256 half = _mm256_or_ps(sign, _mm256_castsi256_ps(all(0x3eff'ffff)));
  return _mm256_cvttps_epi32(_mm256_add_ps(value, half));
}

static inline __m256i q8_of(const float* src, __m256 inverse) {
  return rounded_8(_mm256_mul_ps(_mm256_loadu_ps(src), inverse));
}

static void encode_q8_0_group(const float* src, std::uint8_t* dst) {
  const __m256i magnitude_mask = all(~sign_bit);
  __m256i largest[group_blocks];
  for (std::size_t k = 0; k < group_blocks; ++k) {
    const float* x = src + block_elements * k;
    const __m256i a = _mm256_and_si256(load_256(x), magnitude_mask);
    const __m256i b = _mm256_and_si256(load_256(x + 8), magnitude_mask);
    const __m256i c = _mm256_and_si256(load_256(x + 16), magnitude_mask);
    const __m256i d = _mm256_and_si256(load_256(x + 24), magnitude_mask);
    largest[k] = _mm256_max_epi32(_mm256_max_epi32(a, b), _mm256_max_epi32(c, d));
  }
  const __m256i magnitudes = largest_of_each<max_signed>(largest);
  if (!is_safe(magnitudes)) {
    for (std::size_t k = 0; k < group_blocks; ++k) encode_q8_0_block(src + block_elements * k, dst + q8_0_bytes * k);
    return;
  }
  const Scales scales = scales_of(_mm256_castsi256_ps(magnitudes), 127.0f);
  for (std::size_t k = 0; k < group_blocks; ++k) {
    const float* x = src + block_elements * k;
    std::uint8_t* block = dst + q8_0_bytes * k;
    const __m256 inverse = _mm256_set1_ps(scales.inverse[k]);
    store_u16(block, scales.half[k]);
    store_256(block + 2,
              pack_block(q8_of(x, inverse), q8_of(x + 8, inverse), q8_of(x + 16, inverse), q8_of(x + 24, inverse)));
  }
}

static inline void decode_q8(const std::uint8_t* src, __m256 scale, float* dst) {
  const __m256i q = _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(src)));
  _mm256_storeu_ps(dst, _mm256_mul_ps(scale, _mm256_cvtepi32_ps(q)));
}

static inline __m256 load_scale(const std::uint8_t* src) { return _mm256_set1_ps(_cvtsh_ss(load_u16(src))); }

static void decode_q8_0_one(const std::uint8_t* src, float* dst) {
  const __m256 scale = load_scale(src);
  for (std::size_t i = 0; i < block_elements; i += 8) decode_q8(src + 2 + i, scale, dst + i);
}

// The value of largest magnitude of each block, its sign that of the first one. `above` and `below` are the largest of
// the bits taken as signed and as unsigned numbers: the largest positive value and the most negative one.
static inline __m256 extremes_of(const float* src, __m256i above, __m256i below, __m256i magnitudes) {
  const __m256i negative = _mm256_or_si256(magnitudes, all(sign_bit));
  const __m256i has_positive = _mm256_cmpeq_epi32(above, magnitudes);
  const __m256i has_negative = _mm256_cmpeq_epi32(below, negative);
  const __m256i is_zero = _mm256_cmpeq_epi32(magnitudes, _mm256_setzero_si256());
  const __m256i both = _mm256_andnot_si256(is_zero, _mm256_and_si256(has_positive, has_negative));
  __m256i extremes = select(_mm256_or_si256(has_positive, is_zero), magnitudes, negative);
  if (_mm256_testz_si256(both, both) != 0)
    return _mm256_castsi256_ps(extremes);
  std::uint32_t lanes[group_blocks];
  store_256(lanes, extremes);
  auto ties = static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(both)));
  for (; ties != 0; ties &= ties - 1) {
    const auto k = static_cast<unsigned>(__builtin_ctz(ties));
    const float* x = src + block_elements * k;
    while ((bits_of(*x) & ~sign_bit) != lanes[k]) ++x;
    lanes[k] = bits_of(*x);
  }
  return _mm256_castsi256_ps(load_256(lanes));
}

static inline __m256i q4_of(const float* src, __m256 inverse) {
  return _mm256_cvttps_epi32(_mm256_add_ps(_mm256_mul_ps(_mm256_loadu_ps(src), inverse), _mm256_set1_ps(8.5f)));
}

static void encode_q4_0_group(const float* src, std::uint8_t* dst) {
  __m256i above[group_blocks];
  __m256i below[group_blocks];
  for (std::size_t k = 0; k < group_blocks; ++k) {
    const float* x = src + block_elements * k;
    const __m256i a = load_256(x), b = load_256(x + 8), c = load_256(x + 16), d = load_256(x + 24);
    above[k] = _mm256_max_epi32(_mm256_max_epi32(a, b), _mm256_max_epi32(c, d));
    below[k] = _mm256_max_epu32(_mm256_max_epu32(a, b), _mm256_max_epu32(c, d));
  }
  const __m256i positive = largest_of_each<max_signed>(above);
  const __m256i negative = largest_of_each<max_unsigned>(below);
  const __m256i magnitudes =
      _mm256_max_epi32(_mm256_max_epi32(positive, _mm256_setzero_si256()), _mm256_and_si256(negative, all(~sign_bit)));
  if (!is_safe(magnitudes)) {
    for (std::size_t k = 0; k < group_blocks; ++k) encode_q4_0_block(src + block_elements * k, dst + q4_0_bytes * k);
    return;
  }
  const Scales scales = scales_of(extremes_of(src, positive, negative, magnitudes), -8.0f);
  for (std::size_t k = 0; k < group_blocks; ++k) {
    const float* x = src + block_elements * k;
    std::uint8_t* block = dst + q4_0_bytes * k;
    const __m256 inverse = _mm256_set1_ps(scales.inverse[k]);
    const __m256i packed =
        pack_block(q4_of(x, inverse), q4_of(x + 8, inverse), q4_of(x + 16, inverse), q4_of(x + 24, inverse));
    const __m256i q = _mm256_min_epu8(packed, _mm256_set1_epi8(15));
    store_u16(block, scales.half[k]);
    store_128(block + 2, _mm_or_si128(_mm256_castsi256_si128(q), _mm_slli_epi16(_mm256_extracti128_si256(q, 1), 4)));
  }
}

static void decode_q4_0_one(const std::uint8_t* src, float* dst) {
  const __m256 scale = load_scale(src);
  const __m128i bytes = load_128(src + 2);
  const __m128i mask = _mm_set1_epi8(15);
  const __m128i eight = _mm_set1_epi8(8);
  const __m128i low = _mm_sub_epi8(_mm_and_si128(bytes, mask), eight);
  const __m128i high = _mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(bytes, 4), mask), eight);
  const __m128i parts[4] = {low, _mm_srli_si128(low, 8), high, _mm_srli_si128(high, 8)};
  for (std::size_t i = 0; i < 4; ++i)
    _mm256_storeu_ps(dst + 8 * i, _mm256_mul_ps(scale, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(parts[i]))));
}

template <auto group, auto block, std::size_t bytes>
static void encode_blocks(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  std::size_t i = 0;
  for (; i + group_blocks <= n / block_elements; i += group_blocks)
    group(src + block_elements * i, dst + bytes * i);
  for (; i < n / block_elements; ++i) block(src + block_elements * i, dst + bytes * i);
}

template <auto block, std::size_t bytes>
static void decode_blocks(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n / block_elements; ++i) block(src + bytes * i, dst + block_elements * i);
}

}  // namespace heirloom::kernels::avx2
