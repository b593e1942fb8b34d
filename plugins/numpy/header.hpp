// The header of a .npy file: reading and writing it. Source: formats/facts/numpy.md#header.
//
//   | 0..5 "\x93NUMPY" | 6 major | 7 minor | 8.. header bytes, u16 in version 1, else u32 | header | array |
#pragma once

#include "heirloom/result.hpp"
#include "plugins/numpy/dtypes.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace heirloom::numpy {

// As NumPy does by default. A plain array's header has some 100 bytes.
inline constexpr std::uint64_t max_header_bytes = 10'000;
// Bytes from the start of a file that hold any header.
inline constexpr std::uint64_t max_start_bytes = 12 + max_header_bytes;
inline constexpr std::size_t max_read_dimensions = 64;

struct Header {
  std::string version;  // "1.0"
  const Dtype* dtype = nullptr;
  bool is_big_endian = false;
  bool is_fortran_order = false;
  std::vector<std::uint64_t> shape;
  std::uint64_t data_offset = 0;  // bytes from the start of the file
  std::uint64_t data_bytes = 0;
};

bool looks_like_npy(std::span<const std::uint8_t> start);

// `start` is all of the file, or its first max_start_bytes. Positions in errors are bytes of it.
Result<Header> read_header(std::span<const std::uint8_t> start);

// The bytes that NumPy's own writer makes for a little-endian array in C order.
std::vector<std::uint8_t> header_bytes(const Dtype& dtype, const std::vector<std::uint64_t>& shape);

}  // namespace heirloom::numpy
