// The AVX-512 row (F, BW, DQ and VL): kernels on sixteen lanes have them in one vector, the rest is that of the AVX2
// row. Never chosen, only forced by HEIRLOOM_ISA.
#include "engine/kernels/blocks.hpp"
#include "engine/kernels/rows.hpp"
#include "engine/kernels/simd/avx2_blocks.hpp"
#include "engine/kernels/simd/avx2_elements.hpp"
#include "engine/kernels/simd/lanes_avx2.hpp"
#include "engine/kernels/simd/lanes_avx512.hpp"
#include "engine/kernels/simd/rows.hpp"
#include "engine/kernels/simd/strips.hpp"

namespace heirloom::kernels {

constinit const Kernels avx512_kernels{
    .name = "avx512",
    .lanes = 16,
    .f16_to_f32 = simd::from_u16<avx2::f16_to_f32_8, 8, f16_to_f32>,
    .bf16_to_f32 = simd::from_u16<avx2::bf16_to_f32_8, 8, bf16_to_f32>,
    .f8_e4m3_to_f32 = simd::from_u8<avx2::f8_e4m3_to_f32_8, 8, f8_e4m3_to_f32>,
    .f8_e5m2_to_f32 = simd::from_u8<avx2::f8_e5m2_to_f32_8, 8, f8_e5m2_to_f32>,
    .f32_to_f16 = simd::to_u16<avx2::f32_to_f16_8, 8, f32_to_f16>,
    .f32_to_bf16 = simd::to_u16<avx2::f32_to_bf16_8, 8, f32_to_bf16>,
    .f32_to_f8_e4m3 = simd::to_u8<avx2::f32_to_f8_e4m3_8, 8, f32_to_f8_e4m3>,
    .f32_to_f8_e5m2 = simd::to_u8<avx2::f32_to_f8_e5m2_8, 8, f32_to_f8_e5m2>,
    .f64_to_f32 = simd::from_u64<avx2::f64_to_f32_4, 4, f64_to_f32>,
    .f64_to_f32_odd = simd::from_u64<avx2::f64_to_f32_odd_4, 4, f64_to_f32_odd>,
    .encode_q8_0 = avx2::encode_blocks<avx2::encode_q8_0_group, encode_q8_0_block, q8_0_bytes>,
    .decode_q8_0 = avx2::decode_blocks<avx2::decode_q8_0_one, q8_0_bytes>,
    .encode_q4_0 = avx2::encode_blocks<avx2::encode_q4_0_group, encode_q4_0_block, q4_0_bytes>,
    .decode_q4_0 = avx2::decode_blocks<avx2::decode_q4_0_one, q4_0_bytes>,
    .encode_weighted_q4_0 = simd::WeightedQ45<Avx512, Avx2, 4, false, encode_weighted_q4_0>::encode,
    .largest_magnitude = simd::largest_magnitude<Avx512>,
    .blocks = simd::simd_blocks<Avx2, Avx512>(),
};

}  // namespace heirloom::kernels
