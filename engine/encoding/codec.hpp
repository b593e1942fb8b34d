// Codecs: decode and encode by encoding id. An encoding without a codec can be copied, not converted. Constant table.
#pragma once

#include "engine/kernels/kernels.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace heirloom::encoding {

enum class Kind { floating, integer, block };

// All function pointers take whole blocks: n is a multiple of block_elements. Null where not possible.
struct Codec {
  std::string_view id;
  Kind kind;
  std::uint32_t block_elements;
  std::uint32_t block_bytes;
  bool is_f32_exact;  // every value fits binary32
  // Floating point and blocks.
  void (*decode)(const kernels::Kernels&, const std::uint8_t* src, float* dst, std::size_t n) noexcept;
  void (*encode)(const kernels::Kernels&, const float* src, std::uint8_t* dst, std::size_t n) noexcept;
  // Where binary32 is not enough: f64 and integers of 32 bits and more (the way through double must round once).
  void (*decode_f64)(const std::uint8_t* src, double* dst, std::size_t n) noexcept;
  void (*encode_f64)(const kernels::Kernels&, const double* src, std::uint8_t* dst, std::size_t n) noexcept;
  // Makes big-endian bytes little-endian in place (and back); null where the layout is not known.
  void (*swap_bytes)(std::uint8_t* data, std::size_t n_blocks) noexcept;
};

// Null when there is none.
const Codec* find_codec(std::string_view id);
std::span<const Codec> codecs();

// True when every value of `from` is a value of `to`, so that a conversion loses nothing.
bool holds_all_values(std::string_view to, std::string_view from);

// Converts n elements from one encoding to another with one rounding. `scratch` holds at least 8 * n bytes.
// Both codecs can convert (convertible() says so), n is whole blocks of both. Integers to integers must hold.
bool convertible(const Codec& from, const Codec& to);
void convert(const kernels::Kernels& kernels, const Codec& from, const Codec& to, const std::uint8_t* src,
             std::uint8_t* dst, std::size_t n, std::uint8_t* scratch) noexcept;

}  // namespace heirloom::encoding
