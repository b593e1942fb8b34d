// The rows beside the scalar one, each defined in its isa_*.cpp where the machine the build is for has it. Constant
// tables; a row may be called only after rows.cpp has asked the CPU.
#pragma once

#include "engine/kernels/kernels.hpp"

namespace heirloom::kernels {

extern const Kernels avx2_kernels;
extern const Kernels avx512_kernels;
extern const Kernels neon_kernels;

}  // namespace heirloom::kernels
