#include "boxes.hpp"

#include "items.hpp"

#include <algorithm>
#include <numeric>

namespace heirloom::torch_dcp {
namespace {

// Cuts the tensor into slabs along one dimension where boxes begin or end, and the boxes of each slab along the next one.
class Tiling {
 public:
  Tiling(std::span<const std::uint64_t> shape, std::span<const Box> boxes) : shape_(shape), boxes_(boxes) {
    // Grids of any rank need a few steps for each box and dimension.
    steps_left_ = (1u << 20) + 64 * std::uint64_t{boxes.size()} * (shape.size() + 1);
    corner_.resize(shape.size());
  }

  Result<void> check() {
    std::vector<std::uint32_t> all(boxes_.size());
    std::iota(all.begin(), all.end(), 0u);
    return check(0, all);
  }

 private:
  std::uint64_t begin(std::uint32_t box, std::size_t d) const { return boxes_[box].offsets[d]; }
  std::uint64_t end(std::uint32_t box, std::size_t d) const { return boxes_[box].offsets[d] + boxes_[box].sizes[d]; }

  // The `active` boxes all cover the slab at corner_ of the dimensions before d. Depth is that of the tensor: at most 64.
  Result<void> check(std::size_t d, std::vector<std::uint32_t>& active) {
    if (active.size() > steps_left_)
      return fail(Code::limit, "the chunks are cut in a way that takes too long to check");
    steps_left_ -= active.size();
    if (active.empty())
      return fail(Code::malformed, "no chunk covers the element at " + text_of(corner_) + ": a hole");
    if (d == shape_.size())
      return active.size() == 1 ? Result<void>()
                                : fail(Code::malformed, "two chunks cover the element at " + text_of(corner_) +
                                                            ": an overlap");
    std::ranges::sort(active, {}, [&](std::uint32_t box) { return begin(box, d); });
    std::vector<std::uint32_t> slab;
    std::size_t next = 0;
    for (std::uint64_t at = 0; at < shape_[d];) {
      std::erase_if(slab, [&](std::uint32_t box) { return end(box, d) <= at; });
      for (; next < active.size() && begin(active[next], d) == at; ++next)
        slab.push_back(active[next]);
      std::uint64_t until = next < active.size() ? begin(active[next], d) : shape_[d];
      for (const std::uint32_t box : slab)
        until = std::min(until, end(box, d));
      corner_[d] = at;
      std::vector<std::uint32_t> inner = slab;
      HEIRLOOM_CHECK(check(d + 1, inner));
      at = until;
    }
    corner_[d] = 0;
    return {};
  }

  std::span<const std::uint64_t> shape_;
  std::span<const Box> boxes_;
  std::vector<std::uint64_t> corner_;
  std::uint64_t steps_left_ = 0;
};

}  // namespace

Result<void> check_tiling(std::span<const std::uint64_t> shape, std::span<const Box> boxes) {
  if (std::ranges::find(shape, 0u) != shape.end())
    return {};
  return Tiling(shape, boxes).check();
}

std::uint64_t rank_in_box(std::span<const std::uint64_t> shape, const Box& box, std::uint64_t index) {
  std::uint64_t tensor_step = 1, box_step = 1;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    tensor_step *= shape[d];
    box_step *= box.sizes[d];
  }
  std::uint64_t before = 0;
  if (index >= tensor_step)
    return box_step;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    tensor_step /= shape[d];
    box_step /= box.sizes[d];
    const std::uint64_t at = index / tensor_step;
    index %= tensor_step;
    if (at < box.offsets[d])
      return before;
    if (at - box.offsets[d] >= box.sizes[d])
      return before + box.sizes[d] * box_step;
    before += (at - box.offsets[d]) * box_step;
  }
  return before;
}

std::uint64_t first_element(std::span<const std::uint64_t> shape, const Box& box) {
  std::uint64_t index = 0;
  for (std::size_t d = 0; d < shape.size(); ++d)
    index = index * shape[d] + box.offsets[d];
  return index;
}

std::uint64_t end_element(std::span<const std::uint64_t> shape, const Box& box) {
  std::uint64_t index = 0;
  for (std::size_t d = 0; d < shape.size(); ++d)
    index = index * shape[d] + box.offsets[d] + box.sizes[d] - 1;
  return index + 1;
}

Runs::Runs(std::span<const std::uint64_t> shape, const Box& box)
    : box_(box), strides_(shape.size(), 1), outer_(shape.size()), start_(first_element(shape, box)) {
  for (std::size_t d = shape.size(); d-- > 1;)
    strides_[d - 1] = strides_[d] * shape[d];
  // Dimensions that the box covers whole, and the one before them.
  while (outer_ > 0) {
    --outer_;
    length_ *= box.sizes[outer_];
    if (box.sizes[outer_] != shape[outer_])
      break;
  }
}

std::uint64_t Runs::place(std::uint64_t rank) const {
  std::uint64_t index = start_ + rank % length_, run = rank / length_;
  for (std::size_t d = outer_; d-- > 0;) {
    index += run % box_.sizes[d] * strides_[d];
    run /= box_.sizes[d];
  }
  return index;
}

}  // namespace heirloom::torch_dcp
