// The block kernels that every row with vectors has: templates on types of lanes, see lanes_avx2.hpp. What is not named
// here stays portable. A row gives a type of eight lanes and one of sixteen.
#pragma once

#include "engine/kernels/blocks.hpp"
#include "engine/kernels/simd/affine_blocks.hpp"
#include "engine/kernels/simd/grid_blocks.hpp"
#include "engine/kernels/simd/iq1_blocks.hpp"
#include "engine/kernels/simd/symmetric_blocks.hpp"

namespace heirloom::kernels::simd {

template <class Encoder>
constexpr void use(BlockKernels& kernels) {
  kernels.encode = Encoder::encode;
  kernels.encode_weighted = Encoder::encode_weighted;
}

// In the order of Blocks.
template <class Eight, class Sixteen>
constexpr Blocks simd_blocks() {
  static_assert(Eight::lanes == 8 && Sixteen::lanes == 16);
  Blocks blocks = portable_blocks;
  use<AffineBlocks<Sixteen, Q2KLayout>>(blocks.q2_k);
  use<AffineBlocks<Sixteen, K45Layout<k45::Q4>>>(blocks.q4_k);
  use<AffineBlocks<Sixteen, K45Layout<k45::Q5>>>(blocks.q5_k);
  use<Q6K<Sixteen>>(blocks.q6_k);
  use_grid<Eight, Iq2Xxs, encode_weighted_iq2_xxs>(blocks.iq2_xxs);
  use_grid<Eight, Iq2Xs, encode_weighted_iq2_xs>(blocks.iq2_xs);
  use_grid<Eight, Iq2S, encode_weighted_iq2_s>(blocks.iq2_s);
  use_grid<Eight, Iq3Xxs, encode_weighted_iq3_xxs>(blocks.iq3_xxs);
  use_grid<Eight, Iq3S, encode_weighted_iq3_s>(blocks.iq3_s);
  blocks.iq1_s.encode_weighted = Iq1SBlocks<Eight>::encode_weighted;
  use<Iq1MBlocks<Eight>>(blocks.iq1_m);
  return blocks;
}

}  // namespace heirloom::kernels::simd
