#include "engine/run/strided_copy.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace heirloom::run {
namespace {

using arch::Stride;

// Calls `visit(source element, output element)` for each step of the strides.
template <class Visit>
void for_each_step(std::span<const Stride> strides, std::uint64_t source, std::uint64_t output, const Visit& visit) {
  if (strides.empty()) {
    visit(source, output);
    return;
  }
  const Stride& stride = strides.front();
  for (std::uint64_t k = 0; k < stride.count; ++k)
    for_each_step(strides.subspan(1), source + k * stride.source, output + k * stride.output, visit);
}

// Side of the squares in which a matrix is turned: rows of a square lie in one line of the cache on both sides.
constexpr std::uint64_t square = 16;

// Two strides of elements of a fixed size, square by square.
template <std::uint64_t bytes>
void copy_plane(const std::uint8_t* src, std::uint8_t* dst, const Stride& outer, const Stride& inner) {
  for (std::uint64_t i = 0; i < outer.count; i += square)
    for (std::uint64_t j = 0; j < inner.count; j += square) {
      const std::uint64_t i_end = std::min(i + square, outer.count), j_end = std::min(j + square, inner.count);
      for (std::uint64_t a = i; a < i_end; ++a) {
        const std::uint8_t* from = src + (a * outer.source + j * inner.source) * bytes;
        std::uint8_t* to = dst + (a * outer.output + j * inner.output) * bytes;
        for (std::uint64_t b = j; b < j_end; ++b, from += inner.source * bytes, to += inner.output * bytes)
          std::memcpy(to, from, bytes);
      }
    }
}

void copy_any_plane(const std::uint8_t* src, std::uint8_t* dst, const Stride& outer, const Stride& inner, std::uint64_t bytes) {
  for (std::uint64_t a = 0; a < outer.count; ++a)
    for (std::uint64_t b = 0; b < inner.count; ++b)
      std::memcpy(dst + (a * outer.output + b * inner.output) * bytes, src + (a * outer.source + b * inner.source) * bytes, bytes);
}

void copy_plane_of(const std::uint8_t* src, std::uint8_t* dst, const Stride& outer, const Stride& inner, std::uint64_t bytes) {
  switch (bytes) {
    case 1: return copy_plane<1>(src, dst, outer, inner);
    case 2: return copy_plane<2>(src, dst, outer, inner);
    case 4: return copy_plane<4>(src, dst, outer, inner);
    case 8: return copy_plane<8>(src, dst, outer, inner);
    default: return copy_any_plane(src, dst, outer, inner, bytes);
  }
}

}  // namespace

void copy_strided(const std::uint8_t* src, std::uint8_t* dst, std::span<const Stride> strides, std::uint64_t element_bytes) {
  std::vector<Stride> rest(strides.begin(), strides.end());
  std::erase_if(rest, [](const Stride& stride) { return stride.count == 1; });
  std::sort(rest.begin(), rest.end(), [](const Stride& a, const Stride& b) { return a.output > b.output; });
  if (rest.empty() || (rest.back().source == 1 && rest.back().output == 1)) {
    const std::uint64_t run = (rest.empty() ? 1 : rest.back().count) * element_bytes;
    if (!rest.empty())
      rest.pop_back();
    for_each_step(rest, 0, 0, [&](std::uint64_t source, std::uint64_t output) {
      std::memcpy(dst + output * element_bytes, src + source * element_bytes, run);
    });
    return;
  }
  const Stride inner = rest.back();
  rest.pop_back();
  // The stride that moves least in the source, beside the one that moves least in the output.
  const auto least = std::min_element(rest.begin(), rest.end(), [](const Stride& a, const Stride& b) { return a.source < b.source; });
  Stride outer{1, 0, 0};
  if (least != rest.end()) {
    outer = *least;
    rest.erase(least);
  }
  for_each_step(rest, 0, 0, [&](std::uint64_t source, std::uint64_t output) {
    copy_plane_of(src + source * element_bytes, dst + output * element_bytes, outer, inner, element_bytes);
  });
}

void fill_zero(std::uint8_t* dst, std::span<const Stride> strides, std::uint64_t element_bytes) {
  std::span<const Stride> rest = strides;
  std::uint64_t run = element_bytes;
  if (!rest.empty() && rest.back().output == 1) {
    run *= rest.back().count;
    rest = rest.first(rest.size() - 1);
  }
  for_each_step(rest, 0, 0, [&](std::uint64_t, std::uint64_t output) { std::memset(dst + output * element_bytes, 0, run); });
}

}  // namespace heirloom::run
