#include "engine/encoding/repack.hpp"

namespace heirloom::encoding {
namespace {

constexpr std::size_t block_elements = 32, block_bytes = 17, code_bytes = 16;

void mxfp4_scales(const std::uint8_t* src, std::uint8_t* dst, std::size_t n) noexcept {
  for (std::size_t block = 0; block < n / block_elements; ++block)
    dst[block] = src[block * block_bytes];
}

void mxfp4_blocks(const std::uint8_t* src, std::uint8_t* dst, std::size_t n) noexcept {
  for (std::size_t block = 0; block < n / block_elements; ++block) {
    const std::uint8_t* codes = src + block * block_bytes + 1;
    std::uint8_t* pairs = dst + block * code_bytes;
    for (std::size_t k = 0; k < code_bytes / 2; ++k) {
      const unsigned even = codes[2 * k], odd = codes[2 * k + 1];
      pairs[k] = static_cast<std::uint8_t>((even & 15u) | (odd << 4 & 0xF0u));
      pairs[k + 8] = static_cast<std::uint8_t>((even >> 4) | (odd & 0xF0u));
    }
  }
}

}  // namespace

Repack find_repack(std::string_view from, std::string_view to) {
  if (from != "mxfp4")
    return nullptr;
  return to == "mxfp4_scales" ? mxfp4_scales : to == "mxfp4_blocks" ? mxfp4_blocks : nullptr;
}

void pack_mxfp4(std::uint8_t scale, const std::uint8_t* pairs, std::uint8_t* block) noexcept {
  block[0] = scale;
  for (std::size_t k = 0; k < code_bytes / 2; ++k) {
    const unsigned low = pairs[k], high = pairs[k + 8];
    block[1 + 2 * k] = static_cast<std::uint8_t>((low & 15u) | (high << 4 & 0xF0u));
    block[2 + 2 * k] = static_cast<std::uint8_t>((low >> 4) | (high & 0xF0u));
  }
}

}  // namespace heirloom::encoding
