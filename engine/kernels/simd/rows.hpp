// The block kernels that every row with vectors has: templates on types of lanes, see lanes_avx2.hpp. What is not named
// here stays portable. A row gives a type of eight lanes and one of sixteen.
#pragma once

#include "engine/kernels/blocks.hpp"
#include "engine/kernels/simd/affine_blocks.hpp"
#include "engine/kernels/simd/decode_flat.hpp"
#include "engine/kernels/simd/decode_grids.hpp"
#include "engine/kernels/simd/decode_k.hpp"
#include "engine/kernels/simd/encode_flat.hpp"
#include "engine/kernels/simd/encode_fp4.hpp"
#include "engine/kernels/simd/encode_ternary.hpp"
#include "engine/kernels/simd/iq4.hpp"
#include "engine/kernels/simd/grid_blocks.hpp"
#include "engine/kernels/simd/iq1_blocks.hpp"
#include "engine/kernels/simd/symmetric_blocks.hpp"
#include "engine/kernels/simd/weighted_q45.hpp"

namespace heirloom::kernels::simd {

template <class Encoder>
constexpr void use(BlockKernels& kernels) {
  kernels.encode = Encoder::encode;
  kernels.encode_weighted = each_row<Encoder::encode_weighted, super_elements, Encoder::bytes>;
}

template <class V, class Encoding, auto portable>
constexpr void use_grid(BlockKernels& kernels) {
  if (kernels.encode != nullptr)
    kernels.encode = GridBlocks<V, Encoding, portable>::encode;
  kernels.encode_weighted =
      each_row<GridBlocks<V, Encoding, portable>::encode_weighted, super_elements, Encoding::format.bytes>;
}

template <class Eight, class Sixteen>
constexpr void set_decoders(Blocks& blocks) {
  using Flat = FlatDecoders<Sixteen>;
  using K = KDecoders<Sixteen>;
  using Grid2 = Grid2Decoders<Sixteen>;
  using Grid = GridDecoders<Eight>;
  blocks.q4_1.decode = decode_blocks<32, 20, Flat::q4_1, decode_q4_1>;
  blocks.q5_0.decode = decode_blocks<32, 22, Flat::q5_0, decode_q5_0>;
  blocks.q5_1.decode = decode_blocks<32, 24, Flat::q5_1, decode_q5_1>;
  blocks.q2_k.decode = decode_blocks<256, 84, K::q2_k, decode_q2_k>;
  blocks.q3_k.decode = decode_blocks<256, 110, K::q3_k, decode_q3_k>;
  blocks.q4_k.decode = decode_blocks<256, 144, K::template q45_k<k45::Q4>, decode_q4_k>;
  blocks.q5_k.decode = decode_blocks<256, 176, K::template q45_k<k45::Q5>, decode_q5_k>;
  blocks.q6_k.decode = decode_blocks<256, 210, K::q6_k, decode_q6_k>;
  blocks.iq4_nl.decode = decode_blocks<32, 18, Flat::iq4_nl, decode_iq4_nl>;
  blocks.iq4_xs.decode = decode_blocks<256, 136, K::iq4_xs, decode_iq4_xs>;
  blocks.mxfp4.decode = decode_blocks<32, 17, Flat::mxfp4, decode_mxfp4>;
  blocks.nvfp4.decode = decode_blocks<64, 36, decode_nvfp4_block<Eight>, decode_nvfp4>;
  blocks.tq1_0.decode = decode_blocks<256, 54, Flat::tq1_0, decode_tq1_0>;
  blocks.tq2_0.decode = decode_blocks<256, 66, Flat::tq2_0, decode_tq2_0>;
  blocks.q1_0.decode = decode_blocks<128, 18, Flat::q1_0, decode_q1_0>;
  blocks.q2_0.decode = decode_blocks<64, 18, Flat::q2_0, decode_q2_0>;
  blocks.iq2_xxs.decode = decode_blocks<256, 66, Grid2::iq2_xxs, decode_iq2_xxs>;
  blocks.iq2_xs.decode = decode_blocks<256, 74, Grid2::iq2_xs, decode_iq2_xs>;
  blocks.iq2_s.decode = decode_blocks<256, 82, Grid2::iq2_s, decode_iq2_s>;
  blocks.iq3_xxs.decode = decode_blocks<256, 98, Grid::iq3_xxs, decode_iq3_xxs>;
  blocks.iq3_s.decode = decode_blocks<256, 110, Grid::iq3_s, decode_iq3_s>;
  blocks.iq1_s.decode = decode_blocks<256, 50, Grid2::iq1_s, decode_iq1_s>;
  blocks.iq1_m.decode = decode_blocks<256, 56, Grid::iq1_m, decode_iq1_m>;
}

// Encoders that search nothing.
template <class Eight, class Sixteen>
constexpr void set_plain_encoders(Blocks& blocks) {
  using Flat = FlatEncoders<Eight, Sixteen>;
  using Fp4 = Fp4Encoders<Eight, Sixteen>;
  using Ternary = TernaryEncoders<Eight, Sixteen>;
  blocks.q4_1.encode = encode_batches<32, 20, 8, Flat::template affine<15, 20, encode_q4_1>>;
  blocks.q5_0.encode = encode_batches<32, 22, 8, Flat::template symmetric<31, 22, encode_q5_0>>;
  blocks.q5_1.encode = encode_batches<32, 24, 8, Flat::template affine<31, 24, encode_q5_1>>;
  blocks.mxfp4.encode = encode_batches<32, 17, 8, Fp4::mxfp4>;
  blocks.nvfp4.encode = encode_batches<64, 36, 2, Fp4::nvfp4>;
  blocks.tq1_0.encode = encode_batches<256, 54, 1, Ternary::tq1_0>;
  blocks.tq2_0.encode = encode_batches<256, 66, 1, Ternary::tq2_0>;
  blocks.q1_0.encode = encode_batches<128, 18, 16, Ternary::q1_0>;
  blocks.q2_0.encode = encode_batches<64, 18, 8, Ternary::q2_0>;
}

// In the order of Blocks.
template <class Eight, class Sixteen>
constexpr Blocks simd_blocks() {
  static_assert(Eight::lanes == 8 && Sixteen::lanes == 16);
  Blocks blocks = portable_blocks;
  blocks.q4_1.encode_weighted = WeightedQ45<Sixteen, Eight, 4, true, encode_weighted_q4_1>::encode;
  blocks.q5_0.encode_weighted = WeightedQ45<Sixteen, Eight, 5, false, encode_weighted_q5_0>::encode;
  blocks.q5_1.encode_weighted = WeightedQ45<Sixteen, Eight, 5, true, encode_weighted_q5_1>::encode;
  use<AffineBlocks<Sixteen, Q2KLayout>>(blocks.q2_k);
  use<Q3K<Sixteen>>(blocks.q3_k);
  use<AffineBlocks<Sixteen, K45Layout<k45::Q4>>>(blocks.q4_k);
  use<AffineBlocks<Sixteen, K45Layout<k45::Q5>>>(blocks.q5_k);
  use<Q6K<Sixteen>>(blocks.q6_k);
  blocks.iq4_nl.encode = Iq4<Eight>::encode_nl;
  blocks.iq4_nl.encode_weighted = each_row<Iq4<Eight>::encode_weighted_nl, iq4::group, iq4::nl_bytes>;
  blocks.iq4_xs.encode = Iq4<Eight>::encode_xs;
  blocks.iq4_xs.encode_weighted = each_row<Iq4<Eight>::encode_weighted_xs, super_elements, iq4::xs_bytes>;
  set_plain_encoders<Eight, Sixteen>(blocks);
  set_decoders<Eight, Sixteen>(blocks);
  use_grid<Eight, Iq2Xxs, encode_weighted_iq2_xxs>(blocks.iq2_xxs);
  use_grid<Eight, Iq2Xs, encode_weighted_iq2_xs>(blocks.iq2_xs);
  use_grid<Eight, Iq2S, encode_weighted_iq2_s>(blocks.iq2_s);
  use_grid<Eight, Iq3Xxs, encode_weighted_iq3_xxs>(blocks.iq3_xxs);
  use_grid<Eight, Iq3S, encode_weighted_iq3_s>(blocks.iq3_s);
  blocks.iq1_s.encode_weighted = each_row<Iq1SBlocks<Eight>::encode_weighted, super_elements, Iq1SBlocks<Eight>::bytes>;
  use<Iq1MBlocks<Eight>>(blocks.iq1_m);
  return blocks;
}

}  // namespace heirloom::kernels::simd
