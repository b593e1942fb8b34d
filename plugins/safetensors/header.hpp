// The header of one safetensors file, read and checked by every rule of the format
// (formats/facts/safetensors.md#rules). Values own their memory.
//
//   | 0..7 header bytes N, u64 | 8..8+N header, JSON | 8+N..end data, tensors back to back |
#pragma once

#include "dtypes.hpp"
#include "heirloom/files.hpp"
#include "heirloom/result.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace heirloom::safetensors {

inline constexpr std::uint64_t length_bytes = 8;
inline constexpr std::uint64_t max_header_bytes = 100'000'000;

struct HeaderTensor {
  std::string name;
  const Dtype* dtype = nullptr;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0;  // bytes from data_start
  std::uint64_t end = 0;
  std::uint64_t position = 0;  // byte of the file where its entry begins
};

struct Header {
  std::uint64_t file_bytes = 0;
  std::uint64_t data_start = 0;
  std::vector<HeaderTensor> tensors;                             // in the order of their data
  std::vector<std::pair<std::string, std::string>> metadata;  // in the order of the header
};

Result<Header> read_header(const Files& files, const std::string& file);

// Whether the first bytes of a file look like a header; reads at most 4 KiB.
Result<bool> looks_like_header(const Files& files, const std::string& file);

}  // namespace heirloom::safetensors
