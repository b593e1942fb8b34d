#include "plugins/common/zip/crc32.hpp"

#include <zlib.h>

namespace heirloom::zip {

std::uint32_t crc32(std::span<const std::uint8_t> bytes, std::uint32_t before) {
  return static_cast<std::uint32_t>(::crc32_z(before, bytes.data(), bytes.size()));
}

}  // namespace heirloom::zip
