#include "plugins/common/torch/strided.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace heirloom::torch {
namespace {

constexpr std::uint64_t window_bytes = 4u << 20;  // of the storage, read at once

// Part of a view: `first` and `count` in each dimension.
struct Box {
  std::vector<std::uint64_t> first;
  std::vector<std::uint64_t> count;
};

class Gather {
 public:
  // `begin` is the element of the view that goes to the front of `out`.
  Gather(const ReadStorage& read, const View& view, std::uint64_t begin, std::span<std::uint8_t> out)
      : read_(read), view_(view), begin_(begin), out_(out) {
    rows_.resize(view.shape.size());
    std::uint64_t row = 1;
    for (std::size_t i = rows_.size(); i-- > 0; row *= view.shape[i])
      rows_[i] = row;
  }

  // Elements `begin` to `end` in row order: at most two boxes per dimension.
  Result<void> run(std::uint64_t begin, std::uint64_t end) {
    while (begin < end) {
      Box box;
      std::size_t whole = rows_.size();  // dimensions from here on are taken whole
      while (whole > 0 && begin % (rows_[whole - 1] * view_.shape[whole - 1]) == 0 &&
             end - begin >= rows_[whole - 1] * view_.shape[whole - 1])
        --whole;
      std::uint64_t rest = begin, taken = 1;
      for (std::size_t i = 0; i < rows_.size(); ++i) {
        box.first.push_back(rest / rows_[i]);
        rest %= rows_[i];
        std::uint64_t count = i < whole ? 1 : view_.shape[i];
        if (i + 1 == whole)
          count = std::min(view_.shape[i] - box.first[i], (end - begin) / rows_[i]);
        box.count.push_back(count);
        taken *= count;
      }
      HEIRLOOM_CHECK(take(std::move(box)));
      begin += taken;
    }
    return {};
  }

 private:
  std::uint64_t bytes() const { return view_.dtype->bytes; }

  // Elements of the storage from the box's first to its last, both included.
  std::uint64_t span_of(const Box& box) const {
    std::uint64_t span = 1;
    for (std::size_t i = 0; i < box.count.size(); ++i)
      span += (box.count[i] - 1) * view_.strides[i];
    return span;
  }

  // Halves the box along its widest dimension until its span fits the window.
  Result<void> take(Box first) {
    std::vector<Box> waiting;
    waiting.push_back(std::move(first));
    while (!waiting.empty()) {
      Box box = std::move(waiting.back());
      waiting.pop_back();
      if (span_of(box) * bytes() <= window_bytes) {
        HEIRLOOM_CHECK(copy(box));
        continue;
      }
      std::size_t widest = 0;
      for (std::size_t i = 1; i < box.count.size(); ++i)
        if ((box.count[i] - 1) * view_.strides[i] > (box.count[widest] - 1) * view_.strides[widest])
          widest = i;
      Box upper = box;
      const std::uint64_t half = box.count[widest] / 2;
      box.count[widest] = half;
      upper.first[widest] += half;
      upper.count[widest] -= half;
      waiting.push_back(std::move(upper));
      waiting.push_back(std::move(box));
    }
    return {};
  }

  Result<void> copy(const Box& box) {
    std::uint64_t from = view_.offset, to = 0;
    for (std::size_t i = 0; i < box.first.size(); ++i) {
      from += box.first[i] * view_.strides[i];
      to += box.first[i] * rows_[i];
    }
    window_.resize(span_of(box) * bytes());
    HEIRLOOM_CHECK(read_(from * bytes(), window_));
    copy_rows(box, out_.data() + (to - begin_) * bytes());
    return {};
  }

  // Element after element; the last dimension in a loop of its own.
  void copy_rows(const Box& box, std::uint8_t* out) const {
    const std::size_t dimensions = box.count.size();
    const std::uint64_t columns = dimensions == 0 ? 1 : box.count.back();
    const std::uint64_t stride = dimensions == 0 ? 1 : view_.strides.back();
    std::vector<std::uint64_t> at(dimensions, 0);
    while (true) {
      std::uint64_t source = 0, target = 0;
      for (std::size_t i = 0; i + 1 < dimensions; ++i) {
        source += at[i] * view_.strides[i];
        target += at[i] * rows_[i];
      }
      copy_row(window_.data() + source * bytes(), out + target * bytes(), columns, stride);
      std::size_t i = dimensions < 2 ? 0 : dimensions - 1;
      while (i > 0 && ++at[i - 1] == box.count[i - 1])
        at[--i] = 0;
      if (i == 0)
        return;
    }
  }

  void copy_row(const std::uint8_t* source, std::uint8_t* target, std::uint64_t columns, std::uint64_t stride) const {
    switch (stride == 1 ? 0 : bytes()) {
      case 0: std::memcpy(target, source, columns * bytes()); return;
      case 1: copy_each<1>(source, target, columns, stride); return;
      case 2: copy_each<2>(source, target, columns, stride); return;
      case 4: copy_each<4>(source, target, columns, stride); return;
      case 8: copy_each<8>(source, target, columns, stride); return;
      default: copy_each<16>(source, target, columns, stride); return;
    }
  }

  template <std::size_t size>
  static void copy_each(const std::uint8_t* source, std::uint8_t* target, std::uint64_t columns, std::uint64_t stride) {
    for (std::uint64_t i = 0; i < columns; ++i)
      std::memcpy(target + i * size, source + i * stride * size, size);
  }

  const ReadStorage& read_;
  const View& view_;
  std::uint64_t begin_;
  std::span<std::uint8_t> out_;
  std::vector<std::uint64_t> rows_;  // elements of the view per step in each dimension
  std::vector<std::uint8_t> window_;
};

void swap_numbers(const DType& dtype, std::span<std::uint8_t> bytes) {
  const std::size_t width = dtype.bytes / dtype.numbers;
  for (std::size_t i = 0; i + width <= bytes.size(); i += width)
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(i), bytes.begin() + static_cast<std::ptrdiff_t>(i + width));
}

// Whole elements from element `begin` on.
Result<void> read_elements(const ReadStorage& read, const View& view, bool swap, std::uint64_t begin,
                           std::span<std::uint8_t> out) {
  if (view.is_contiguous())
    HEIRLOOM_CHECK(read((view.offset + begin) * view.dtype->bytes, out));
  else
    HEIRLOOM_CHECK(Gather(read, view, begin, out).run(begin, begin + out.size() / view.dtype->bytes));
  if (swap)
    swap_numbers(*view.dtype, out);
  return {};
}

}  // namespace

Result<void> read_view(const ReadStorage& read, const View& view, bool swap, std::uint64_t offset,
                       std::span<std::uint8_t> out) {
  if (offset > view.size_bytes() || out.size() > view.size_bytes() - offset)
    return fail(Code::misuse, "a read past the end of the tensor");
  const std::uint64_t bytes = view.dtype->bytes;
  std::array<std::uint8_t, 16> element;
  while (!out.empty()) {
    const std::uint64_t skipped = offset % bytes;
    if (skipped == 0 && out.size() >= bytes) {
      const std::uint64_t whole = out.size() - out.size() % bytes;
      HEIRLOOM_CHECK(read_elements(read, view, swap, offset / bytes, out.first(whole)));
      offset += whole;
      out = out.subspan(whole);
      continue;
    }
    HEIRLOOM_CHECK(read_elements(read, view, swap, offset / bytes, std::span(element).first(bytes)));
    const std::uint64_t count = std::min<std::uint64_t>(bytes - skipped, out.size());
    std::memcpy(out.data(), element.data() + skipped, count);
    offset += count;
    out = out.subspan(count);
  }
  return {};
}

}  // namespace heirloom::torch
