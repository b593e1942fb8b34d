// Repacking: other bytes of the same numbers, without rounding. Any thread; pointers may be unaligned.
//
// MXFP4, 32 weights: a scale (a power of 2, f8_e8m0) and 32 codes of 4 bits.
//   "mxfp4"         | 0 scale | 1..16: byte j holds code j low, code j + 16 high |      ggml's
//   "mxfp4_scales"  | 0 scale |
//   "mxfp4_blocks"  | 0..15: byte k holds code 2k low, code 2k + 1 high |               OpenAI's, in a tensor of its own
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace heirloom::encoding {

// n is whole blocks of 32.
using Repack = void (*)(const std::uint8_t* src, std::uint8_t* dst, std::size_t n) noexcept;

// Null when there is none.
Repack find_repack(std::string_view from, std::string_view to);

// "mxfp4" of a block's scale and its 16 bytes in OpenAI's order.
void pack_mxfp4(std::uint8_t scale, const std::uint8_t* pairs, std::uint8_t* block) noexcept;

}  // namespace heirloom::encoding
