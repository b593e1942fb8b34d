// What the AVX2 row and the AVX-512 row are made of: the conversions and the plain blocks of AVX2, and kernels on eight
// and sixteen lanes. Each of the two compiles it with its own instruction set. For isa_avx2.cpp and isa_avx512.cpp alone.
#pragma once

#include "engine/kernels/blocks.hpp"
#include "engine/kernels/simd/avx2_blocks.hpp"
#include "engine/kernels/simd/avx2_elements.hpp"
#include "engine/kernels/simd/lanes_avx2.hpp"
#include "engine/kernels/simd/rows.hpp"
#include "engine/kernels/simd/strips.hpp"

namespace heirloom::kernels::simd {

template <class Sixteen>
constexpr Kernels avx2_row(std::string_view name, std::size_t lanes) {
  return {
      .name = name,
      .lanes = lanes,
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
      .encode_q8_0 = avx2::encode_blocks<avx2::encode_q8_0_group, encode_q8_0_block, q8_0_bytes>,
      .decode_q8_0 = avx2::decode_blocks<avx2::decode_q8_0_one, q8_0_bytes>,
      .encode_q4_0 = avx2::encode_blocks<avx2::encode_q4_0_group, encode_q4_0_block, q4_0_bytes>,
      .decode_q4_0 = avx2::decode_blocks<avx2::decode_q4_0_one, q4_0_bytes>,
      .encode_weighted_q4_0 = WeightedQ45<Sixteen, Avx2, 4, false, encode_weighted_q4_0>::encode,
      .largest_magnitude = largest_magnitude<Sixteen>,
      .blocks = simd_blocks<Avx2, Sixteen>(),
  };
}

}  // namespace heirloom::kernels::simd
