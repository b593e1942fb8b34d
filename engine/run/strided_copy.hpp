// Elements moved in memory from one strided place to another. Any thread; the ranges do not overlap.
#pragma once

#include "engine/arch/arrangement.hpp"

#include <cstdint>
#include <span>

namespace heirloom::run {

// Strides count elements of `element_bytes`, in any order.
void copy_strided(const std::uint8_t* src, std::uint8_t* dst, std::span<const arch::Stride> strides, std::uint64_t element_bytes);

// The same with zeros in place of a source.
void fill_zero(std::uint8_t* dst, std::span<const arch::Stride> strides, std::uint64_t element_bytes);

}  // namespace heirloom::run
