#include "engine/arch/arrangement.hpp"

#include "engine/arch/boxes.hpp"
#include "heirloom/checked.hpp"

#include <algorithm>
#include <set>

namespace heirloom::arch {
namespace {

std::uint64_t product(std::span<const std::uint64_t> sizes) {
  std::uint64_t count = 1;
  for (const std::uint64_t size : sizes)
    count *= size;
  return count;
}

Error misfit(std::string message) { return {Code::misuse, std::move(message)}; }

std::string text_of(std::span<const std::uint64_t> shape) {
  std::string text;
  for (const std::uint64_t size : shape)
    text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

// Sources in order of first use. Without elements no box names them: all stay.
void finish(Arrangement& made) {
  put_together(made.boxes);
  if (made.boxes.empty())
    return;
  made.sources.clear();
  std::set<std::uint32_t> seen{zero_source};
  for (const Box& box : made.boxes)
    if (seen.insert(box.source).second)
      made.sources.push_back(box.source);
}

// Elements of a step along the axis, of all its steps.
struct Cell {
  std::uint64_t inner = 1, size = 1;
};

Cell cell_of(const std::vector<std::uint64_t>& shape, std::size_t axis) {
  const std::uint64_t inner = product(std::span(shape).subspan(axis + 1));
  return {inner, inner * shape[axis]};
}

Result<void> check_axis(const Arrangement& of, std::size_t axis) {
  if (axis >= of.shape.size())
    return fail(misfit("the shape " + text_of(of.shape) + " has no dimension " + std::to_string(axis)));
  return {};
}

// Output elements of the box's cells of `from` elements, each now of `to`, `shift` elements into it.
void restride(Box& box, std::uint64_t from, std::uint64_t to, std::uint64_t shift) {
  box.output_offset = box.output_offset / from * to + box.output_offset % from + shift;
  for (Stride& stride : box.strides)
    if (stride.output >= from)
      stride.output = stride.output / from * to;
}

bool is_permutation(std::span<const std::size_t> dims, std::size_t rank) {
  std::vector<bool> seen(rank);
  for (const std::size_t dim : dims) {
    if (dim >= rank || seen[dim])
      return false;
    seen[dim] = true;
  }
  return dims.size() == rank;
}

// Elements from one step of each dimension to the next.
std::vector<std::uint64_t> steps_of(std::span<const std::uint64_t> shape) {
  std::vector<std::uint64_t> steps(shape.size(), 1);
  for (std::size_t k = shape.size(); k-- > 1;)
    steps[k - 1] = steps[k] * shape[k];
  return steps;
}

// A box that is cut at every dimension's step, each dimension with a new one.
void permute_box(Box& box, std::span<const std::uint64_t> shape, std::span<const std::uint64_t> from,
                 std::span<const std::uint64_t> to) {
  std::uint64_t offset = 0;
  for (std::size_t k = 0; k < shape.size(); ++k)
    offset += box.output_offset / from[k] % shape[k] * to[k];
  box.output_offset = offset;
  std::erase_if(box.strides, [](const Stride& stride) { return stride.count == 1; });
  for (Stride& stride : box.strides) {
    std::size_t k = 0;
    while (shape[k] == 1 || stride.output < from[k])
      ++k;
    stride.output = stride.output / from[k] * to[k];
  }
}

Result<Arrangement> turn_heads(const Arrangement& of, std::uint64_t heads, bool is_back) {
  const std::uint64_t rows = of.shape.empty() ? 0 : of.shape.front();
  if (heads == 0 || rows % heads != 0 || rows / heads % 2 != 0)
    return fail(misfit(std::to_string(rows) + " rows are not whole pairs for " + std::to_string(heads) + " heads"));
  const std::uint64_t half = rows / heads / 2, row = product(std::span(of.shape).subspan(1));
  std::vector<std::uint64_t> seen{heads, 2, half, row};
  if (is_back)
    std::swap(seen[1], seen[2]);
  constexpr std::size_t dims[] = {0, 2, 1, 3};
  HEIRLOOM_TRY(Arrangement made, reshape(of, std::move(seen)));
  HEIRLOOM_TRY(made, permute(made, dims));
  return reshape(std::move(made), of.shape);
}

}  // namespace

std::uint64_t Box::elements() const {
  std::uint64_t count = 1;
  for (const Stride& stride : strides)
    count *= stride.count;
  return count;
}

bool Box::is_run() const {
  return strides.empty() || (strides.size() == 1 && strides.front().source == 1 && strides.front().output == 1);
}

std::uint64_t Arrangement::elements() const { return product(shape); }

bool Arrangement::is_whole(std::uint64_t source_elements) const {
  if (!values.empty() || sources.size() != 1 || elements() != source_elements)
    return false;
  return source_elements == 0 || (boxes.size() == 1 && boxes.front().is_run() && boxes.front().source_offset == 0);
}

Arrangement whole(std::uint32_t source, std::vector<std::uint64_t> shape) {
  Arrangement made{std::move(shape), {source}};
  const std::uint64_t count = made.elements();
  if (count != 0)
    made.boxes.push_back({source, 0, 0, {{count, 1, 1}}});
  finish(made);
  return made;
}

Arrangement zeros(std::vector<std::uint64_t> shape) {
  Arrangement made = whole(zero_source, std::move(shape));
  made.sources.clear();
  return made;
}

Result<Arrangement> reshape(Arrangement of, std::vector<std::uint64_t> shape) {
  const auto count = checked::product(shape);
  if (!count || *count != of.elements())
    return fail(misfit("the shape " + text_of(of.shape) + " has not the elements of " + text_of(shape)));
  of.shape = std::move(shape);
  return of;
}

Result<Arrangement> permute(const Arrangement& of, std::span<const std::size_t> dims) {
  const std::size_t rank = of.shape.size();
  if (!is_permutation(dims, rank))
    return fail(misfit("the dimensions of " + text_of(of.shape) + " cannot be put in this order"));
  Arrangement made = of;
  std::vector<std::uint64_t> to(rank);
  for (std::size_t k = 0; k < rank; ++k)
    made.shape[k] = of.shape[dims[k]];
  const auto from = steps_of(of.shape), made_steps = steps_of(made.shape);
  for (std::size_t k = 0; k < rank; ++k)
    to[dims[k]] = made_steps[k];
  for (const std::uint64_t step : from)
    if (step > 1) {
      HEIRLOOM_TRY(made.boxes, cut_at(std::move(made.boxes), step));
    }
  for (Box& box : made.boxes)
    permute_box(box, of.shape, from, to);
  finish(made);
  return made;
}

Result<Arrangement> slice(const Arrangement& of, std::size_t axis, std::uint64_t begin, std::uint64_t end) {
  HEIRLOOM_CHECK(check_axis(of, axis));
  if (begin > end || end > of.shape[axis])
    return fail(misfit("dimension " + std::to_string(axis) + " of " + text_of(of.shape) + " has no steps " +
                       std::to_string(begin) + " to " + std::to_string(end)));
  const Cell cell = cell_of(of.shape, axis);
  Arrangement made = of;
  made.shape[axis] = end - begin;
  made.boxes.clear();
  if (begin == end || of.boxes.empty())
    return made;
  HEIRLOOM_TRY(const std::vector<Box> cut, cut_at(of.boxes, cell.size));
  for (const Box& box : cut) {
    Box low{box.source, box.source_offset, box.output_offset % cell.size};
    std::vector<Stride> high;
    for (const Stride& stride : box.strides)
      (stride.output >= cell.size ? high : low.strides).push_back(stride);
    for (Box& part : clip(low, begin * cell.inner, (end - begin) * cell.inner)) {
      part.strides.insert(part.strides.begin(), high.begin(), high.end());
      part.output_offset += box.output_offset / cell.size * cell.size - begin * cell.inner;
      restride(part, cell.size, (end - begin) * cell.inner, 0);
      made.boxes.push_back(std::move(part));
    }
  }
  finish(made);
  return made;
}

Result<Arrangement> concat(std::span<const Arrangement> parts, std::size_t axis) {
  if (parts.empty())
    return fail(misfit("there is nothing to put together"));
  HEIRLOOM_CHECK(check_axis(parts.front(), axis));
  Arrangement made{parts.front().shape, {}, {}, parts.front().values};
  made.shape[axis] = 0;
  for (const Arrangement& part : parts) {
    std::vector<std::uint64_t> shape = part.shape;
    if (axis < shape.size())
      shape[axis] = 0;
    std::vector<std::uint64_t> wanted = made.shape;
    wanted[axis] = 0;
    if (shape != wanted)
      return fail(misfit("the shapes " + text_of(parts.front().shape) + " and " + text_of(part.shape) +
                         " cannot be put together along dimension " + std::to_string(axis)));
    if (part.values != made.values)
      return fail(misfit("tensors whose numbers change in different ways cannot be put together"));
    HEIRLOOM_TRY(made.shape[axis], checked::add(made.shape[axis], part.shape[axis]));
  }
  HEIRLOOM_CHECK(checked::product(made.shape));
  const Cell cell = cell_of(made.shape, axis);
  std::uint64_t begin = 0;
  for (const Arrangement& part : parts) {
    const Cell own = cell_of(part.shape, axis);
    HEIRLOOM_TRY(std::vector<Box> boxes, cut_at(part.boxes, std::max<std::uint64_t>(1, own.size)));
    for (Box& box : boxes) {
      restride(box, own.size, cell.size, begin);
      made.boxes.push_back(std::move(box));
    }
    begin += own.size;
    made.sources.insert(made.sources.end(), part.sources.begin(), part.sources.end());
    for (const std::string& word : part.words)
      if (std::find(made.words.begin(), made.words.end(), word) == made.words.end())
        made.words.push_back(word);
  }
  finish(made);
  return made;
}

Result<Arrangement> pad(const Arrangement& of, std::size_t axis, std::uint64_t size) {
  HEIRLOOM_CHECK(check_axis(of, axis));
  if (size < of.shape[axis])
    return fail(misfit("dimension " + std::to_string(axis) + " of " + text_of(of.shape) + " is larger than " + std::to_string(size)));
  if (!of.values.empty())
    return fail(misfit("zeros cannot stand beside numbers that change"));
  std::vector<std::uint64_t> shape = of.shape;
  shape[axis] = size - of.shape[axis];
  HEIRLOOM_CHECK(checked::product(shape));
  const Arrangement parts[] = {of, zeros(std::move(shape))};
  return concat(parts, axis);
}

std::optional<std::vector<Box>> in_blocks(const Arrangement& of, std::uint64_t block_elements) {
  std::vector<Box> boxes = of.boxes;
  if (block_elements == 1)
    return boxes;
  for (Box& box : boxes) {
    if (box.strides.empty() || box.strides.back().source != 1 || box.strides.back().output != 1)
      return std::nullopt;
    std::vector<std::uint64_t*> numbers{&box.source_offset, &box.output_offset, &box.strides.back().count};
    for (Stride& stride : std::span(box.strides).first(box.strides.size() - 1)) {
      numbers.push_back(&stride.source);
      numbers.push_back(&stride.output);
    }
    for (std::uint64_t* number : numbers) {
      if (*number % block_elements != 0)
        return std::nullopt;
      *number /= block_elements;
    }
    tidy(box);
  }
  return boxes;
}

Result<Arrangement> rope_permute(const Arrangement& of, std::uint64_t heads) { return turn_heads(of, heads, false); }
Result<Arrangement> rope_unpermute(const Arrangement& of, std::uint64_t heads) { return turn_heads(of, heads, true); }

}  // namespace heirloom::arch
