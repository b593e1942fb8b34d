// CRC-32 as zip has it: polynomial 0xedb88320, all bits inverted before and after.
#pragma once

#include <cstdint>
#include <span>

namespace heirloom::zip {

// Of `bytes`, after others whose CRC-32 is `before`.
std::uint32_t crc32(std::span<const std::uint8_t> bytes, std::uint32_t before = 0);

}  // namespace heirloom::zip
