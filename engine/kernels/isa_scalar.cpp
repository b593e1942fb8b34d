// The scalar row: runs everywhere and defines the bits.
#include "engine/kernels/block.hpp"
#include "engine/kernels/blocks.hpp"
#include "engine/kernels/kernels.hpp"

namespace heirloom::kernels {
namespace {

template <auto convert>
void from_u8(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) dst[i] = convert(src[i]);
}

template <auto convert>
void from_u16(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) dst[i] = convert(load_u16(src + 2 * i));
}

template <auto convert>
void from_u64(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) dst[i] = convert(load_u64(src + 8 * i));
}

template <auto convert>
void to_u8(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) dst[i] = convert(src[i]);
}

template <auto convert>
void to_u16(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) store_u16(dst + 2 * i, convert(src[i]));
}

template <auto encode, std::size_t bytes>
void encode_blocks(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n / block_elements; ++i) encode(src + block_elements * i, dst + bytes * i);
}

template <auto decode, std::size_t bytes>
void decode_blocks(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n / block_elements; ++i) decode(src + bytes * i, dst + block_elements * i);
}

std::uint32_t largest_magnitude(const float* src, std::size_t n) noexcept {
  std::uint32_t largest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t magnitude = bits_of(src[i]) & ~sign_bit;
    largest = largest > magnitude ? largest : magnitude;
  }
  return largest;
}

}  // namespace

constinit const Kernels scalar_kernels{
    .name = "scalar",
    .lanes = 1,
    .f16_to_f32 = from_u16<f16_to_f32>,
    .bf16_to_f32 = from_u16<bf16_to_f32>,
    .f8_e4m3_to_f32 = from_u8<f8_e4m3_to_f32>,
    .f8_e5m2_to_f32 = from_u8<f8_e5m2_to_f32>,
    .f32_to_f16 = to_u16<f32_to_f16>,
    .f32_to_bf16 = to_u16<f32_to_bf16>,
    .f32_to_f8_e4m3 = to_u8<f32_to_f8_e4m3>,
    .f32_to_f8_e5m2 = to_u8<f32_to_f8_e5m2>,
    .f64_to_f32 = from_u64<f64_to_f32>,
    .f64_to_f32_odd = from_u64<f64_to_f32_odd>,
    .encode_q8_0 = encode_blocks<encode_q8_0_block, q8_0_bytes>,
    .decode_q8_0 = decode_blocks<decode_q8_0_block, q8_0_bytes>,
    .encode_q4_0 = encode_blocks<encode_q4_0_block, q4_0_bytes>,
    .decode_q4_0 = decode_blocks<decode_q4_0_block, q4_0_bytes>,
    .encode_weighted_q4_0 = each_row<encode_weighted_q4_0, 32, q4_0_bytes>,
    .largest_magnitude = largest_magnitude,
    .blocks = portable_blocks,
};

}  // namespace heirloom::kernels
