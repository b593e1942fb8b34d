// One GGUF file, checked as a whole: header, metadata, tensor table, and whether the data is there.
//   | "GGUF" | version: u32 | tensors: u64 | items: u64 | metadata | tensor table | zeros | data |
// The data starts at the next multiple of the alignment, and so does each tensor (formats/facts/gguf.md#alignment).
// Stateless; any thread.
#pragma once

#include "heirloom/files.hpp"
#include "heirloom/nouns.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heirloom::gguf {

struct GgufFile {
  File file;
  std::uint32_t version = 0;
  std::uint64_t header_bytes = 0;
  std::vector<Attr> attrs;
  std::vector<std::uint64_t> attr_positions;  // byte of each item of `attrs`
  std::vector<Tensor> tensors;                // each with one extent in file number 0
  std::vector<Encoding> encodings;            // of the tensors, each once
  std::uint64_t trailing_bytes = 0;           // after the padding of the last tensor

  // Byte of the item with this key; no_position when there is none.
  std::uint64_t position_of(std::string_view key) const;
};

Result<GgufFile> read_file(const Files& files, const std::string& name);

// Alignment that the metadata asks for: general.alignment, or 32. `fault` is the code of the error when that is not a
// power of two in a u32.
Result<std::uint32_t> alignment_of(const std::vector<Attr>& attrs, Code fault);

}  // namespace heirloom::gguf
