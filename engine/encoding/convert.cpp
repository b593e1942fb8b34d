// From one encoding to another, in pieces that stay in the first-level cache.
#include "engine/encoding/codec.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace heirloom::encoding {
namespace {

using kernels::Kernels;

constexpr std::size_t piece_elements = 1024;  // whole blocks of every encoding

bool is_signed(const Codec& codec) { return codec.id.front() == 'i'; }

// The integer, sign extended.
std::uint64_t load_integer(const Codec& codec, const std::uint8_t* src) noexcept {
  if (codec.id == "bool")
    return *src != 0;
  std::uint64_t value = 0;
  std::memcpy(&value, src, codec.block_bytes);
  const unsigned unused_bits = 64 - 8 * codec.block_bytes;
  value <<= unused_bits;
  return is_signed(codec) ? static_cast<std::uint64_t>(static_cast<std::int64_t>(value) >> unused_bits)
                          : value >> unused_bits;
}

void convert_integers(const Codec& from, const Codec& to, const std::uint8_t* src, std::uint8_t* dst,
                      std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t value = load_integer(from, src + from.block_bytes * i);
    std::memcpy(dst + to.block_bytes * i, &value, to.block_bytes);
  }
}

// Binary64 rounded to odd: what is lost sets the last of the 53 bits, so that rounding to fewer bits is right.
double odd_double(std::uint64_t value, bool is_negative) noexcept {
  const std::uint64_t magnitude = is_negative ? 0 - value : value;
  const int shift = std::max(11 - std::countl_zero(magnitude), 0);
  const std::uint64_t lost = magnitude & ((std::uint64_t{1} << shift) - 1);
  const std::uint64_t kept = (magnitude >> shift | (lost != 0)) << shift;
  const auto result = static_cast<double>(kept);
  return is_negative ? -result : result;
}

void load_odd_doubles(const Codec& from, const std::uint8_t* src, double* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t value = load_integer(from, src + from.block_bytes * i);
    dst[i] = odd_double(value, is_signed(from) && value >> 63 != 0);
  }
}

void convert_piece(const Kernels& kernels, const Codec& from, const Codec& to, const std::uint8_t* src,
                   std::uint8_t* dst, std::size_t n, std::uint8_t* scratch) noexcept {
  const bool is_f64_needed = from.decode_f64 != nullptr && to.encode_f64 != nullptr;
  if (!is_f64_needed) {
    auto* numbers = reinterpret_cast<float*>(scratch);
    from.decode(kernels, src, numbers, n);
    to.encode(kernels, numbers, dst, n);
    return;
  }
  auto* numbers = reinterpret_cast<double*>(scratch);
  if (from.kind == Kind::integer && to.id != "f64")
    load_odd_doubles(from, src, numbers, n);
  else
    from.decode_f64(src, numbers, n);
  to.encode_f64(kernels, numbers, dst, n);
}

}  // namespace

bool convertible(const Codec& from, const Codec& to) {
  if (from.id == to.id)
    return true;
  if (from.kind == Kind::integer && to.kind == Kind::integer)
    return holds_all_values(to.id, from.id);
  return from.decode != nullptr && is_written(to);
}

void convert(const Kernels& kernels, const Codec& from, const Codec& to, const std::uint8_t* src, std::uint8_t* dst,
             std::size_t n, std::uint8_t* scratch) noexcept {
  if (n == 0)
    return;
  if (from.id == to.id) {
    std::memcpy(dst, src, n / from.block_elements * from.block_bytes);
    return;
  }
  if (to.kind == Kind::integer) {
    convert_integers(from, to, src, dst, n);
    return;
  }
  for (std::size_t i = 0; i < n; i += piece_elements)
    convert_piece(kernels, from, to, src + i / from.block_elements * from.block_bytes,
                  dst + i / to.block_elements * to.block_bytes, std::min(piece_elements, n - i), scratch);
}

}  // namespace heirloom::encoding
