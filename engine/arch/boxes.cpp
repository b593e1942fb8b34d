#include "engine/arch/boxes.hpp"

#include <algorithm>
#include <optional>

namespace heirloom::arch {
namespace {

Error too_many() {
  return {Code::limit, "is in more than " + std::to_string(max_boxes) + " pieces: the map does not fit its shape"};
}

Box advanced(const Box& box, std::size_t stride, std::uint64_t steps) {
  Box moved = box;
  moved.source_offset += steps * box.strides[stride].source;
  moved.output_offset += steps * box.strides[stride].output;
  return moved;
}

// Steps [first, first + count) of one stride. A single step leaves a stride of one, which has no say.
Box part_of(const Box& box, std::size_t stride, std::uint64_t first, std::uint64_t count) {
  Box part = advanced(box, stride, first);
  part.strides[stride].count = count;
  return part;
}

std::uint64_t span_below(const Box& box, std::size_t stride) {
  return output_span(std::span(box.strides).subspan(stride + 1));
}

// A stride that leaves the cell of `size` elements in which the box begins, cut into whole cells and what is beside them.
// `stride` is the largest that is no multiple of `size`.
void cut_stride(const Box& box, std::size_t stride, std::uint64_t size, std::vector<Box>& rest) {
  const Stride& cut = box.strides[stride];
  const std::uint64_t begin = box.output_offset % size;
  const std::uint64_t per_cell = size / cut.output;
  const bool has_cells = cut.output < size && size % cut.output == 0 && begin % cut.output + span_below(box, stride) <= cut.output;
  if (!has_cells) {
    for (std::uint64_t step = 0; step < cut.count && rest.size() <= max_boxes; ++step)
      rest.push_back(part_of(box, stride, step, 1));
    return;
  }
  const std::uint64_t head = std::min(cut.count, (per_cell - begin / cut.output) % per_cell);
  const std::uint64_t cells = (cut.count - head) / per_cell;
  if (head != 0)
    rest.push_back(part_of(box, stride, 0, head));
  if (cells != 0) {
    Box body = part_of(box, stride, head, per_cell);
    body.strides.insert(body.strides.begin() + static_cast<std::ptrdiff_t>(stride),
                        {cells, cut.source * per_cell, cut.output * per_cell});
    rest.push_back(std::move(body));
  }
  if (const std::uint64_t tail = (cut.count - head) % per_cell; tail != 0)
    rest.push_back(part_of(box, stride, head + cells * per_cell, tail));
}

// The first stride that is no multiple of `size`, when it and those below leave the cell.
std::optional<std::size_t> crossing(const Box& box, std::uint64_t size) {
  for (std::size_t i = 0; i < box.strides.size(); ++i) {
    if (box.strides[i].count == 1 || box.strides[i].output % size == 0)
      continue;
    const bool leaves = box.output_offset % size + output_span(std::span(box.strides).subspan(i)) > size;
    return leaves ? std::optional(i) : std::nullopt;
  }
  return std::nullopt;
}

// What lies below a stride fits between two of its steps.
bool is_nested(const Box& box) {
  std::uint64_t below = 1;
  for (auto stride = box.strides.rbegin(); stride != box.strides.rend(); ++stride) {
    if (stride->output < below)
      return false;
    below += (stride->count - 1) * stride->output;
  }
  return true;
}

// `next` is another of the same kind: a new stride of two steps, at the place where it is nested.
bool join(Box& box, const Box& next) {
  if (box.source != next.source || next.source_offset < box.source_offset || next.output_offset <= box.output_offset ||
      box.strides != next.strides)
    return false;
  const std::uint64_t source = next.source_offset - box.source_offset;
  const std::uint64_t output = next.output_offset - box.output_offset;
  const auto place = std::find_if(box.strides.begin(), box.strides.end(), [&](const Stride& s) { return s.output <= output; });
  const auto made = box.strides.insert(place, {2, source, output});
  if (is_nested(box))
    return true;
  box.strides.erase(made);
  return false;
}

// A stride of `box` that `next` continues: all others are the same, and `next` begins one step after the last.
bool extend(Box& box, const Box& next) {
  if (box.source != next.source || next.source_offset < box.source_offset || next.output_offset <= box.output_offset)
    return false;
  const std::uint64_t source = next.source_offset - box.source_offset;
  const std::uint64_t output = next.output_offset - box.output_offset;
  for (std::size_t i = 0; i < box.strides.size(); ++i) {
    Stride& stride = box.strides[i];
    if (source != stride.count * stride.source || output != stride.count * stride.output)
      continue;
    std::vector<Stride> others = box.strides, theirs = next.strides;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    const auto same = std::find_if(theirs.begin(), theirs.end(), [&](const Stride& s) {
      return s.source == stride.source && s.output == stride.output;
    });
    const std::uint64_t more = same == theirs.end() ? 1 : same->count;
    if (same != theirs.end())
      theirs.erase(same);
    if (others != theirs)
      continue;
    stride.count += more;
    if (is_nested(box))
      return true;
    stride.count -= more;
  }
  return false;
}

// The steps of one stride, and of those below, that fill elements [first, end).
void clip_into(const Box& box, std::size_t level, std::uint64_t first, std::uint64_t end, std::vector<Box>& parts) {
  const std::uint64_t at = box.output_offset;
  const std::uint64_t span = output_span(std::span(box.strides).subspan(level));
  if (at >= end || at + span <= first)
    return;
  if (at >= first && at + span <= end) {
    parts.push_back(box);
    return;
  }
  const Stride& stride = box.strides[level];
  const std::uint64_t below = span_below(box, level);
  const std::uint64_t any_begin = first < at + below ? 0 : (first - at - below) / stride.output + 1;
  const std::uint64_t any_end = std::min(stride.count, (end - at - 1) / stride.output + 1);
  const std::uint64_t full_begin = first <= at ? 0 : (first - at - 1) / stride.output + 1;
  const std::uint64_t full_end = end < at + below ? 0 : std::min(stride.count, (end - at - below) / stride.output + 1);
  const auto step = [&](std::uint64_t k) { clip_into(part_of(box, level, k, 1), level + 1, first, end, parts); };
  if (full_begin >= full_end) {
    for (std::uint64_t k = any_begin; k < any_end; ++k)
      step(k);
    return;
  }
  for (std::uint64_t k = any_begin; k < full_begin; ++k)
    step(k);
  parts.push_back(part_of(box, level, full_begin, full_end - full_begin));
  for (std::uint64_t k = full_end; k < any_end; ++k)
    step(k);
}

}  // namespace

std::uint64_t output_span(std::span<const Stride> strides) {
  std::uint64_t span = 1;
  for (const Stride& stride : strides)
    span += (stride.count - 1) * stride.output;
  return span;
}

std::uint64_t source_span(std::span<const Stride> strides) {
  std::uint64_t span = 1;
  for (const Stride& stride : strides)
    span += (stride.count - 1) * stride.source;
  return span;
}

Result<std::vector<Box>> cut_at(std::vector<Box> boxes, std::uint64_t size) {
  std::vector<Box> done;
  while (!boxes.empty()) {
    if (done.size() + boxes.size() > max_boxes)
      return fail(too_many());
    Box box = std::move(boxes.back());
    boxes.pop_back();
    if (const auto stride = crossing(box, size))
      cut_stride(box, *stride, size, boxes);
    else
      done.push_back(std::move(box));
  }
  return done;
}

std::vector<Box> clip(const Box& box, std::uint64_t first, std::uint64_t count) {
  std::vector<Box> parts;
  clip_into(box, 0, first, first + count, parts);
  for (Box& part : parts)
    tidy(part);
  return parts;
}

void tidy(Box& box) {
  std::erase_if(box.strides, [](const Stride& stride) { return stride.count == 1; });
  std::sort(box.strides.begin(), box.strides.end(),
            [](const Stride& a, const Stride& b) { return a.output > b.output; });
  if (box.source == zero_source) {
    box.source_offset = box.output_offset;
    for (Stride& stride : box.strides)
      stride.source = stride.output;
  }
  std::vector<Stride> merged;
  for (const Stride& stride : box.strides) {
    if (!merged.empty() && merged.back().output == stride.count * stride.output &&
        merged.back().source == stride.count * stride.source)
      merged.back() = {merged.back().count * stride.count, stride.source, stride.output};
    else
      merged.push_back(stride);
  }
  box.strides = std::move(merged);
}

void put_together(std::vector<Box>& boxes) {
  for (Box& box : boxes)
    tidy(box);
  std::sort(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) { return a.output_offset < b.output_offset; });
  std::vector<Box> merged;
  for (Box& box : boxes) {
    while (!merged.empty()) {
      Box joined = merged.back();
      if (!extend(joined, box) && !join(joined, box))
        break;
      tidy(joined);
      merged.pop_back();
      box = std::move(joined);
    }
    merged.push_back(std::move(box));
  }
  boxes = std::move(merged);
}

}  // namespace heirloom::arch
