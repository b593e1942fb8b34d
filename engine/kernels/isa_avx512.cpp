// The AVX-512 row (F, BW, DQ and VL): kernels on sixteen lanes have them in one vector, the rest is that of the AVX2
// row. Never chosen, only forced by HEIRLOOM_ISA.
#include "engine/kernels/rows.hpp"
#include "engine/kernels/simd/avx2_row.hpp"
#include "engine/kernels/simd/lanes_avx512.hpp"

namespace heirloom::kernels {

constinit const Kernels avx512_kernels = simd::avx2_row<Avx512>("avx512", 16);

}  // namespace heirloom::kernels
