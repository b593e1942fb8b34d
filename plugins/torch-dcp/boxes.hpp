// Boxes of a tensor: whether they fill it exactly, and how a run of the tensor's bytes maps to runs of each box. Offsets and
// sizes are in elements, one per dimension, slowest first; every box lies inside of the tensor. No state.
#pragma once

#include "heirloom/result.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace heirloom::torch_dcp {

struct Box {
  std::span<const std::uint64_t> offsets;
  std::span<const std::uint64_t> sizes;
};

// An error unless the boxes, none of which is empty, cover every element once: it says "hole" or "overlap" and where. Takes
// time in proportion to their number for grids; a limit error when that would take too long.
Result<void> check_tiling(std::span<const std::uint64_t> shape, std::span<const Box> boxes);

// Elements of the box that come before element `index` of the tensor, in the order of the tensor's elements. That is also
// their order in the box: what lies in a run of the tensor is a run of the box.
std::uint64_t rank_in_box(std::span<const std::uint64_t> shape, const Box& box, std::uint64_t index);

// Elements of the tensor before the box's first one, and up to and with its last one.
std::uint64_t first_element(std::span<const std::uint64_t> shape, const Box& box);
std::uint64_t end_element(std::span<const std::uint64_t> shape, const Box& box);

// A walk over the runs of a box that lie in the tensor without gaps.
class Runs {
 public:
  Runs(std::span<const std::uint64_t> shape, const Box& box);

  // Elements of a whole run.
  std::uint64_t length() const { return length_; }
  // Element of the tensor where element `rank` of the box lies.
  std::uint64_t place(std::uint64_t rank) const;

 private:
  Box box_;
  std::vector<std::uint64_t> strides_;  // of the tensor, in elements
  std::uint64_t length_ = 1;
  std::size_t outer_ = 0;               // dimensions that are walked; those after them are part of a run
  std::uint64_t start_ = 0;             // first element of the box
};

}  // namespace heirloom::torch_dcp
