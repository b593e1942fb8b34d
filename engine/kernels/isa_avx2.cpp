// The AVX2 row (with F16C, which every CPU with AVX2 has).
#include "engine/kernels/blocks.hpp"
#include "engine/kernels/rows.hpp"
#include "engine/kernels/simd/avx2_blocks.hpp"
#include "engine/kernels/simd/avx2_elements.hpp"
#include "engine/kernels/simd/lanes_avx2.hpp"
#include "engine/kernels/simd/lanes_twice.hpp"
#include "engine/kernels/simd/rows.hpp"

namespace heirloom::kernels {
namespace {

template <auto several, std::size_t count, auto one>
void from_u8(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  std::size_t i = 0;
  for (; i + count <= n; i += count) several(src + i, dst + i);
  for (; i < n; ++i) dst[i] = one(src[i]);
}

template <auto several, std::size_t count, auto one>
void from_u16(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  std::size_t i = 0;
  for (; i + count <= n; i += count) several(src + 2 * i, dst + i);
  for (; i < n; ++i) dst[i] = one(load_u16(src + 2 * i));
}

template <auto several, std::size_t count, auto one>
void from_u64(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  std::size_t i = 0;
  for (; i + count <= n; i += count) several(src + 8 * i, dst + i);
  for (; i < n; ++i) dst[i] = one(load_u64(src + 8 * i));
}

template <auto several, std::size_t count, auto one>
void to_u8(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  std::size_t i = 0;
  for (; i + count <= n; i += count) several(src + i, dst + i);
  for (; i < n; ++i) dst[i] = one(src[i]);
}

template <auto several, std::size_t count, auto one>
void to_u16(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  std::size_t i = 0;
  for (; i + count <= n; i += count) several(src + i, dst + 2 * i);
  for (; i < n; ++i) store_u16(dst + 2 * i, one(src[i]));
}

template <auto group, auto block, std::size_t bytes>
void encode_blocks(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  std::size_t i = 0;
  for (; i + avx2::group_blocks <= n / block_elements; i += avx2::group_blocks)
    group(src + block_elements * i, dst + bytes * i);
  for (; i < n / block_elements; ++i) block(src + block_elements * i, dst + bytes * i);
}

template <auto block, std::size_t bytes>
void decode_blocks(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n / block_elements; ++i) block(src + bytes * i, dst + block_elements * i);
}

std::uint32_t largest_magnitude(const float* src, std::size_t n) noexcept {
  std::size_t i = 0;
  __m256i first = _mm256_setzero_si256(), second = first;
  for (; i + 16 <= n; i += 16) {
    first = _mm256_max_epu32(first, avx2::magnitudes_8(src + i));
    second = _mm256_max_epu32(second, avx2::magnitudes_8(src + i + 8));
  }
  std::uint32_t largest = avx2::largest_lane(_mm256_max_epu32(first, second));
  for (; i < n; ++i) {
    const std::uint32_t magnitude = bits_of(src[i]) & ~sign_bit;
    largest = largest > magnitude ? largest : magnitude;
  }
  return largest;
}

}  // namespace

constinit const Kernels avx2_kernels{
    .name = "avx2",
    .lanes = 8,
    .f16_to_f32 = from_u16<avx2::f16_to_f32_8, 8, f16_to_f32>,
    .bf16_to_f32 = from_u16<avx2::bf16_to_f32_8, 8, bf16_to_f32>,
    .f8_e4m3_to_f32 = from_u8<avx2::f8_e4m3_to_f32_8, 8, f8_e4m3_to_f32>,
    .f8_e5m2_to_f32 = from_u8<avx2::f8_e5m2_to_f32_8, 8, f8_e5m2_to_f32>,
    .f32_to_f16 = to_u16<avx2::f32_to_f16_8, 8, f32_to_f16>,
    .f32_to_bf16 = to_u16<avx2::f32_to_bf16_8, 8, f32_to_bf16>,
    .f32_to_f8_e4m3 = to_u8<avx2::f32_to_f8_e4m3_8, 8, f32_to_f8_e4m3>,
    .f32_to_f8_e5m2 = to_u8<avx2::f32_to_f8_e5m2_8, 8, f32_to_f8_e5m2>,
    .f64_to_f32 = from_u64<avx2::f64_to_f32_4, 4, f64_to_f32>,
    .f64_to_f32_odd = from_u64<avx2::f64_to_f32_odd_4, 4, f64_to_f32_odd>,
    .encode_q8_0 = encode_blocks<avx2::encode_q8_0_group, encode_q8_0_block, q8_0_bytes>,
    .decode_q8_0 = decode_blocks<avx2::decode_q8_0_one, q8_0_bytes>,
    .encode_q4_0 = encode_blocks<avx2::encode_q4_0_group, encode_q4_0_block, q4_0_bytes>,
    .decode_q4_0 = decode_blocks<avx2::decode_q4_0_one, q4_0_bytes>,
    .encode_weighted_q4_0 = simd::WeightedQ45<Twice<Avx2>, Avx2, 4, false, encode_weighted_q4_0>::encode,
    .largest_magnitude = largest_magnitude,
    .blocks = simd::simd_blocks<Avx2, Twice<Avx2>>(),
};

}  // namespace heirloom::kernels
