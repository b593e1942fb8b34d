// The records of one PyTorch zip file on its way out, where each lies, and the bytes around them, as PyTorch's own writer
// has them: payloads at multiples of 64, sizes and CRC-32 behind them (formats/facts/pytorch.md#zip).
#pragma once

#include "plugins/common/zip/write.hpp"
#include "plugins/pytorch/state_dict.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heirloom::pytorch {

struct Record {
  zip::Outgoing member;
  std::vector<std::uint8_t> header;       // local header with its padding
  std::uint64_t payload = 0;              // byte of the file
  std::uint64_t descriptor_bytes = 0;     // after the payload
  std::int64_t saved = -1;                // which tensor it is, or -1
  std::vector<std::uint8_t> content = {}; // unless it is a tensor
};

struct Records {
  std::vector<Record> records;  // in the order of the file
  std::uint64_t directory_begin = 0;
};

// `file` names the folder in the archive.
Result<Records> records_of(const std::string& file, const std::vector<Saved>& tensors);

// CRC-32 and sizes, as they follow a payload.
std::vector<std::uint8_t> descriptor(const Record& record);
std::vector<std::uint8_t> directory(const Records& records);

}  // namespace heirloom::pytorch
