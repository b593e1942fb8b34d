// CRC-32 of IEEE 802.3, as zlib computes it and zip archives carry it. Pure functions.
#pragma once

#include <cstdint>
#include <span>

namespace heirloom::base {

// Of `bytes`, after others whose CRC-32 is `before`.
std::uint32_t crc32(std::span<const std::uint8_t> bytes, std::uint32_t before = 0);

// Of two runs of bytes one after the other, from those of each and the size of the second.
std::uint32_t crc32_combine(std::uint32_t first, std::uint32_t second, std::uint64_t second_size);

}  // namespace heirloom::base
