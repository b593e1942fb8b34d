// Boxes of an arrangement cut, moved and put together: what its verbs are made of. Internal to engine/arch.
#pragma once

#include "engine/arch/arrangement.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace heirloom::arch {

// Cuts boxes until none crosses a multiple of `size` output elements, and every stride is either a multiple of `size` or
// stays within one. Limit where that makes too many.
Result<std::vector<Box>> cut_at(std::vector<Box> boxes, std::uint64_t size);

// Strides in order, without those of one step, neighbours that make one run together as one.
void tidy(Box& box);

// Tidies every box, puts them in order, and makes one of neighbours that go on in the same way.
void put_together(std::vector<Box>& boxes);

// Output elements from the first of a box to its last, both counted.
std::uint64_t output_span(std::span<const Stride> strides);
std::uint64_t source_span(std::span<const Stride> strides);

}  // namespace heirloom::arch
