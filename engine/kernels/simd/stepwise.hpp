// fit_symmetric_stepwise of blocks_search.hpp for V::lanes groups at once, a group to a lane. See lanes_avx2.hpp for V.
#pragma once

#include "engine/kernels/simd/symmetric.hpp"

namespace heirloom::kernels::simd {
}
