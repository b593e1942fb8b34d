// The tensor table of one GGUF file: entry by entry, with every rule that needs no other part of the file.
//   | name: string | n_dims: u32 | ne: u64 x n_dims, fastest first | type: i32 | offset: u64 from the data's start |
// (formats/facts/gguf.md#tensor-table). Stateless; any thread.
#pragma once

#include "heirloom/cursor.hpp"
#include "heirloom/encodings.hpp"
#include "heirloom/nouns.hpp"

#include <cstdint>
#include <vector>

namespace heirloom::gguf {

struct TableEntry {
  Tensor tensor;  // without extents
  const WellKnownEncoding* encoding = nullptr;
  std::uint64_t offset = 0;  // from the start of the data
  std::uint64_t size = 0;
  std::uint64_t offset_at = 0;  // byte of the file where `offset` stands
};

// Names are unique and every offset is the padded sum of the sizes before it.
Result<std::vector<TableEntry>> read_tensor_table(Cursor& in, std::uint64_t count, std::uint32_t alignment);

// Bytes of a tensor; an error when the shape has too many dimensions, is too large, or a row is not whole blocks.
Result<std::uint64_t> measure(const std::vector<std::uint64_t>& shape, const WellKnownEncoding& encoding);

}  // namespace heirloom::gguf
