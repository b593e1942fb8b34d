// What a map does to each number of a tensor, after decoding. Any thread.
#pragma once

#include "engine/arch/arrangement.hpp"
#include "engine/kernels/kernels.hpp"

#include <span>

namespace heirloom::run {

// In f32, and rounded to f16 where the tensor is f16. Exponentials are PyTorch's, logarithms are rounded from binary64.
void apply(const arch::ValueOperation& operation, bool is_f16, const kernels::Kernels& kernels, std::span<float> numbers);

}  // namespace heirloom::run
