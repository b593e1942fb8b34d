// Arrays whose first dimension is the fastest in the file, read as if the last one were.
#pragma once

#include "heirloom/result.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace heirloom::numpy {

using ReadArray = std::function<Result<void>(std::uint64_t offset, std::span<std::uint8_t> out)>;

// Bytes [offset, offset + out.size()) of the array in C order. `read` fills in bytes of the array as it lies; elements have
// `width` bytes and are never split by the array's order. The range lies inside the array, which has elements.
Result<void> read_fortran(const std::vector<std::uint64_t>& shape, std::uint64_t width, std::uint64_t offset,
                          std::span<std::uint8_t> out, const ReadArray& read);

}  // namespace heirloom::numpy
