// Implementations of sha256_blocks(). Internal to engine/kernels.
#pragma once

#include "engine/kernels/sha256.hpp"

namespace heirloom::kernels {

extern const Sha256Blocks sha256_x86_kernels;

}  // namespace heirloom::kernels
