// Encoding numbers into blocks, with or without an importance, in pieces that stay in the cache. What goes
// in must be finite, and so must be what comes out: a block has one scale, and a number that is not finite spoils it.
// Any thread may call anything.
#pragma once

#include "engine/encoding/codec.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace heirloom::encoding {

enum class Fault : std::uint8_t {
  none,
  not_finite,  // the number is NaN or infinite
  too_large,   // the block's scale does not hold it
  importance   // no scale comes of its block with an importance that overflows
};

struct Encoded {
  Fault fault = Fault::none;
  std::size_t index = 0;  // of the first element that is not finite; of the largest of the first block with this fault
  float value = 0;
};

// Numbers of n that are encoded at a time: with an importance whole rows, whose sums may go over all of a row, and several
// where they are short, since the sums of several rows are as quick as those of one.
std::size_t run_elements(std::size_t importance_columns, std::size_t n);
inline std::size_t block_scratch_bytes(std::size_t importance_columns, std::size_t n) {
  return 2 * sizeof(float) * run_elements(importance_columns, n);
}

// Encodes n numbers, whole blocks of both; `to` is a block encoding. With an importance, they are rows of as many
// columns. Stops at the first fault, and then what it has written is of no use. `scratch` holds block_scratch_bytes and
// is aligned for float; the ranges do not overlap.
Encoded encode_blocks(const kernels::Kernels& kernels, const Codec& from, const Codec& to, const std::uint8_t* src,
                      std::uint8_t* dst, std::size_t n, std::span<const float> importance, std::uint8_t* scratch) noexcept;

}  // namespace heirloom::encoding
