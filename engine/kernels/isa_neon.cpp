// The NEON row, for 64-bit ARM.
#include "engine/kernels/blocks.hpp"
#include "engine/kernels/rows.hpp"
#include "engine/kernels/simd/elements.hpp"
#include "engine/kernels/simd/lanes_neon.hpp"
#include "engine/kernels/simd/lanes_twice.hpp"
#include "engine/kernels/simd/plain_blocks.hpp"
#include "engine/kernels/simd/rows.hpp"
#include "engine/kernels/simd/strips.hpp"

namespace heirloom::kernels {
namespace {

using Eight = Twice<Neon>;
using Sixteen = Twice<Eight>;
using Numbers = simd::Elements<Eight>;
using Simple = simd::PlainBlocks<Eight, Sixteen>;

}  // namespace

constinit const Kernels neon_kernels{
    .name = "neon",
    .lanes = 4,
    .f16_to_f32 = simd::from_u16<Numbers::f16_to_f32, 8, f16_to_f32>,
    .bf16_to_f32 = simd::from_u16<Numbers::bf16_to_f32, 8, bf16_to_f32>,
    .f8_e4m3_to_f32 = simd::from_u8<Numbers::f8_e4m3_to_f32, 8, f8_e4m3_to_f32>,
    .f8_e5m2_to_f32 = simd::from_u8<Numbers::f8_e5m2_to_f32, 8, f8_e5m2_to_f32>,
    .f32_to_f16 = simd::to_u16<Numbers::f32_to_f16, 8, f32_to_f16>,
    .f32_to_bf16 = simd::to_u16<Numbers::f32_to_bf16, 8, f32_to_bf16>,
    .f32_to_f8_e4m3 = simd::to_u8<Numbers::f32_to_f8_e4m3, 8, f32_to_f8_e4m3>,
    .f32_to_f8_e5m2 = simd::to_u8<Numbers::f32_to_f8_e5m2, 8, f32_to_f8_e5m2>,
    .f64_to_f32 = simd::each_u64<f64_to_f32>,
    .f64_to_f32_odd = simd::each_u64<f64_to_f32_odd>,
    .encode_q8_0 = Simple::encode_q8_0,
    .decode_q8_0 = Simple::decode_q8_0,
    .encode_q4_0 = Simple::encode_q4_0,
    .decode_q4_0 = Simple::decode_q4_0,
    .encode_weighted_q4_0 = simd::WeightedQ45<Sixteen, Eight, 4, false, encode_weighted_q4_0>::encode,
    .largest_magnitude = simd::largest_magnitude<Sixteen>,
    .blocks = simd::simd_blocks<Eight, Sixteen>(),
};

}  // namespace heirloom::kernels
