// The AVX2 row (with F16C, which every CPU with AVX2 has).
#include "engine/kernels/rows.hpp"
#include "engine/kernels/simd/avx2_row.hpp"
#include "engine/kernels/simd/lanes_twice.hpp"

namespace heirloom::kernels {

constinit const Kernels avx2_kernels = simd::avx2_row<Twice<Avx2>>("avx2", 8);

}  // namespace heirloom::kernels
