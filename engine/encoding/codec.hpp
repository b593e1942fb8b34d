// Codecs: decode and encode by encoding id. An encoding without a codec, or whose codec has no decode, can be copied,
// not converted. Constant tables; any thread may call anything. Byte pointers may be unaligned.
#pragma once

#include "engine/kernels/kernels.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace heirloom::encoding {

enum class Kind { floating, integer, block };

// All function pointers take whole blocks: n is a multiple of block_elements. Null where not possible: integers have no
// encode, since a conversion never makes integers of other numbers, nor has what needs an importance; some rows can only
// swap bytes.
struct Codec {
  std::string_view id;
  Kind kind;
  std::uint32_t block_elements;
  std::uint32_t block_bytes;
  bool is_f32_exact;  // every value fits binary32
  // To binary32 (rounded to nearest where it is not exact) and from it.
  void (*decode)(const kernels::Kernels&, const std::uint8_t* src, float* dst, std::size_t n) noexcept;
  void (*encode)(const kernels::Kernels&, const float* src, std::uint8_t* dst, std::size_t n) noexcept;
  // decode_f64 where binary32 is not enough: f64 and integers of 32 bits and more, rounded to nearest from 64 bits.
  // encode_f64, for every number that has an encode, rounds once.
  void (*decode_f64)(const std::uint8_t* src, double* dst, std::size_t n) noexcept;
  void (*encode_f64)(const kernels::Kernels&, const double* src, std::uint8_t* dst, std::size_t n) noexcept;
  // Makes big-endian bytes little-endian in place (and back); null where the layout is not known.
  void (*swap_bytes)(std::uint8_t* data, std::size_t n_blocks) noexcept;
  // Encodes rows of n elements each, with an importance (not negative) for each of their n columns. Null where the
  // importance changes nothing. needs_importance: the reference refuses to make the encoding without one.
  void (*encode_weighted)(const kernels::Kernels&, const float* src, const float* importance, std::uint8_t* dst,
                          std::size_t rows, std::size_t n) noexcept = nullptr;
  bool needs_importance = false;
};

// True when something can be converted to it, maybe with an importance only.
inline bool is_written(const Codec& codec) { return codec.encode != nullptr || codec.encode_weighted != nullptr; }

// Null when there is none.
const Codec* find_codec(std::string_view id);
std::span<const Codec> codecs();

// True when every value of `from` is a value of `to`, so that a conversion loses nothing. All NaNs of one sign count as
// one value. Blocks hold nothing but themselves.
bool holds_all_values(std::string_view to, std::string_view from);

// An encoding converts to itself, integers to integers that hold all their values, anything with a decode to anything
// that is written; what needs an importance goes through encode_blocks (blocks.hpp), not through convert.
bool convertible(const Codec& from, const Codec& to);

// Converts n elements, whole blocks of both, from one encoding to another, which are convertible, `to` without an
// importance. Numbers are rounded once; blocks are made from binary32. A bool byte other than 0 is 1. `scratch` holds
// scratch_bytes and is aligned for double; the ranges do not overlap.
inline constexpr std::size_t scratch_bytes = 8192;
void convert(const kernels::Kernels& kernels, const Codec& from, const Codec& to, const std::uint8_t* src,
             std::uint8_t* dst, std::size_t n, std::uint8_t* scratch) noexcept;

}  // namespace heirloom::encoding
