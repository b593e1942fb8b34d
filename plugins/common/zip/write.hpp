// The bytes of a zip archive around its payloads: local headers, data descriptors, and the directory that ends it
// (formats/facts/zip.md#structure). Writers plan with sizes alone; the directory and descriptors, which hold the CRCs, have
// a length that depends on names and sizes only, so they are planned as gaps and filled in when the CRCs are known.
#pragma once

#include "heirloom/result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace heirloom::zip {

// A stored member on its way out.
struct Outgoing {
  std::string name;
  std::uint64_t size = 0;
  std::uint32_t crc32 = 0;
  std::uint64_t header = 0;  // byte where its local header begins
};

// CRC-32 as zip has it, and that of two runs of bytes one after the other.
std::uint32_t crc32(std::span<const std::uint8_t> bytes, std::uint32_t before = 0);
std::uint32_t crc32_combine(std::uint32_t first, std::uint32_t second, std::uint64_t second_size);

}  // namespace heirloom::zip
