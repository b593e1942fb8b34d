// The block kernels that every row with vectors has: templates on types of lanes, see lanes_avx2.hpp. What is not named
// here stays portable. A row gives a type of eight lanes and one of sixteen.
#pragma once

#include "engine/kernels/blocks.hpp"
#include "engine/kernels/simd/k45.hpp"

namespace heirloom::kernels::simd {

// One line for each kernel, in the order of Blocks.
template <class Eight, class Sixteen>
constexpr Blocks simd_blocks() {
  static_assert(Eight::lanes == 8 && Sixteen::lanes == 16);
  Blocks blocks = portable_blocks;
  blocks.q4_k.encode = K45<Sixteen>::template encode<k45::Q4>;
  blocks.q5_k.encode = K45<Sixteen>::template encode<k45::Q5>;
  return blocks;
}

}  // namespace heirloom::kernels::simd
