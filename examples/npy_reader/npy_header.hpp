// The header of a .npy file. Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include "heirloom/cursor.hpp"
#include "heirloom/nouns.hpp"
#include "heirloom/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace npy {

struct Header {
  std::string version;  // "1.0", "2.0" or "3.0"
  heirloom::Encoding encoding;
  bool is_big_endian = false;
  bool is_fortran_order = false;
  std::vector<std::uint64_t> shape;
  std::uint64_t data_offset = 0;
};

heirloom::Result<Header> read_header(heirloom::Cursor& in);

}  // namespace npy
