#include "engine/encoding/codec.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace heirloom::encoding {
namespace {

using kernels::Blocks;
using kernels::Kernels;

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie in memory");

// The table's entries differ in types and offsets alone, and a function pointer has no context: hence templates.

template <auto kernel>
void decode_with(const Kernels& kernels, const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  (kernels.*kernel)(src, dst, n);
}

template <auto kernel>
void encode_with(const Kernels& kernels, const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  (kernels.*kernel)(src, dst, n);
}

// Rounds to odd on the way, so that the second rounding is right.
template <auto kernel, std::size_t bytes>
void encode_f64_with(const Kernels& kernels, const double* src, std::uint8_t* dst, std::size_t n) noexcept {
  std::array<float, 256> piece;
  for (std::size_t i = 0; i < n; i += piece.size()) {
    const std::size_t count = std::min(piece.size(), n - i);
    kernels.f64_to_f32_odd(reinterpret_cast<const std::uint8_t*>(src + i), piece.data(), count);
    (kernels.*kernel)(piece.data(), dst + bytes * i, count);
  }
}

void decode_f32(const Kernels&, const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  if (n != 0)
    std::memcpy(dst, src, 4 * n);
}

void encode_f32(const Kernels&, const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  if (n != 0)
    std::memcpy(dst, src, 4 * n);
}

void encode_f64_to_f32(const Kernels& kernels, const double* src, std::uint8_t* dst, std::size_t n) noexcept {
  std::array<float, 256> piece;
  for (std::size_t i = 0; i < n; i += piece.size()) {
    const std::size_t count = std::min(piece.size(), n - i);
    kernels.f64_to_f32(reinterpret_cast<const std::uint8_t*>(src + i), piece.data(), count);
    std::memcpy(dst + 4 * i, piece.data(), 4 * count);
  }
}

void decode_f64(const std::uint8_t* src, double* dst, std::size_t n) noexcept {
  if (n != 0)
    std::memcpy(dst, src, 8 * n);
}

void encode_f64(const Kernels&, const double* src, std::uint8_t* dst, std::size_t n) noexcept {
  if (n != 0)
    std::memcpy(dst, src, 8 * n);
}

// Widening makes a signalling NaN quiet, on every machine with sign and payload kept.
void encode_f32_to_f64(const Kernels&, const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(src[i]);
    const std::uint64_t nan =
        (std::uint64_t{bits & 0x8000'0000} << 32) | 0x7ff8'0000'0000'0000 | (std::uint64_t{bits & 0x3f'ffff} << 29);
    const auto wide = std::bit_cast<std::uint64_t>(static_cast<double>(src[i]));
    const std::uint64_t value = (bits & 0x7fff'ffff) > 0x7f80'0000 ? nan : wide;
    std::memcpy(dst + 8 * i, &value, 8);
  }
}

template <class Integer>
Integer load(const std::uint8_t* src) noexcept {
  Integer value;
  std::memcpy(&value, src, sizeof value);
  return value;
}

template <class Integer>
void decode_integer(const Kernels&, const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) dst[i] = static_cast<float>(load<Integer>(src + sizeof(Integer) * i));
}

template <class Integer>
void decode_integer_f64(const std::uint8_t* src, double* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) dst[i] = static_cast<double>(load<Integer>(src + sizeof(Integer) * i));
}

void decode_bool(const Kernels&, const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) dst[i] = src[i] != 0 ? 1.0f : 0.0f;
}

// Two to the power e - 127; 255 is NaN.
void decode_e8m0(const Kernels&, const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t exponent = src[i];
    const std::uint32_t bits = exponent == 0 ? 0x0040'0000 : exponent == 255 ? 0x7fc0'0000 : exponent << 23;
    dst[i] = std::bit_cast<float>(bits);
  }
}

// The fnuz formats: no infinity, no negative zero, whose code 0x80 is the only NaN. Their bias is one above that of the
// formats with the same fields.
//   | 7 sign | exponent | fraction |      value = significand * 2^(exponent - bias - fraction bits)
template <unsigned fraction_bits, unsigned bias>
void decode_fnuz(const Kernels&, const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t magnitude = src[i] & 0x7fu;
    const std::uint32_t exponent = magnitude >> fraction_bits;
    const std::uint32_t fraction = magnitude & ((1u << fraction_bits) - 1);
    const auto significand = static_cast<float>(exponent == 0 ? fraction : fraction | 1u << fraction_bits);
    const std::uint32_t place = std::max(exponent, 1u) + 127 - bias - fraction_bits;
    const float value = significand * std::bit_cast<float>(place << 23);
    const bool is_negative = (src[i] & 0x80) != 0;
    dst[i] = src[i] == 0x80 ? std::bit_cast<float>(0xffc0'0000) : is_negative ? -value : value;
  }
}

// Bytes of each number in reverse order.
template <std::size_t bytes>
void swap_numbers(std::uint8_t* data, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) std::reverse(data + bytes * i, data + bytes * (i + 1));
}

// Bytes of the 16-bit numbers of each block; the rest are bytes anyway (formats/facts/gguf.md#types).
template <std::size_t block_bytes, std::size_t... offsets>
void swap_scales(std::uint8_t* data, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i)
    (std::swap(data[block_bytes * i + offsets], data[block_bytes * i + offsets + 1]), ...);
}

void swap_nothing(std::uint8_t*, std::size_t) noexcept {}

template <class Integer>
constexpr Codec integer(std::string_view id) {
  constexpr bool is_f32_exact = sizeof(Integer) < 4;
  return {.id = id,
          .kind = Kind::integer,
          .block_elements = 1,
          .block_bytes = sizeof(Integer),
          .is_f32_exact = is_f32_exact,
          .decode = decode_integer<Integer>,
          .encode = nullptr,
          .decode_f64 = is_f32_exact ? nullptr : decode_integer_f64<Integer>,
          .encode_f64 = nullptr,
          .swap_bytes = swap_numbers<sizeof(Integer)>};
}

template <auto block>
void decode_block_with(const Kernels& kernels, const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  (kernels.blocks.*block).decode(src, dst, n);
}

template <auto block>
void encode_block_with(const Kernels& kernels, const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  (kernels.blocks.*block).encode(src, dst, n);
}

template <auto block>
void encode_weighted_with(const Kernels& kernels, const float* src, const float* importance, std::uint8_t* dst,
                          std::size_t rows, std::size_t n) noexcept {
  (kernels.blocks.*block).encode_weighted(src, importance, dst, rows, n);
}

void encode_weighted_q4_0(const Kernels& kernels, const float* src, const float* importance, std::uint8_t* dst,
                          std::size_t rows, std::size_t n) noexcept {
  kernels.encode_weighted_q4_0(src, importance, dst, rows, n);
}

// What a block decodes to is defined in binary32, so binary32 holds it.
template <auto block>
constexpr Codec block_codec(std::string_view id, std::uint32_t elements, std::uint32_t bytes,
                            void (*swap)(std::uint8_t*, std::size_t) noexcept) {
  return {.id = id,
          .kind = Kind::block,
          .block_elements = elements,
          .block_bytes = bytes,
          .is_f32_exact = true,
          .decode = decode_block_with<block>,
          .encode = encode_block_with<block>,
          .decode_f64 = nullptr,
          .encode_f64 = nullptr,
          .swap_bytes = swap};
}

template <auto block>
constexpr Codec weighted_codec(std::string_view id, std::uint32_t elements, std::uint32_t bytes,
                               void (*swap)(std::uint8_t*, std::size_t) noexcept) {
  Codec codec = block_codec<block>(id, elements, bytes, swap);
  codec.encode_weighted = encode_weighted_with<block>;
  return codec;
}

// Blocks of 256 whose codes are points of a grid. How a big-endian machine lays their bit fields out is not known.
template <auto block>
constexpr Codec grid_codec(std::string_view id, std::uint32_t bytes) {
  return weighted_codec<block>(id, 256, bytes, nullptr);
}

// The same, never without an importance.
template <auto block>
constexpr Codec importance_codec(std::string_view id, std::uint32_t bytes) {
  Codec codec = grid_codec<block>(id, bytes);
  codec.encode = nullptr;
  codec.needs_importance = true;
  return codec;
}

constexpr std::array table{
    Codec{"f32", Kind::floating, 1, 4, true, decode_f32, encode_f32, nullptr, encode_f64_to_f32, swap_numbers<4>},
    Codec{"f16", Kind::floating, 1, 2, true, decode_with<&Kernels::f16_to_f32>, encode_with<&Kernels::f32_to_f16>,
          nullptr, encode_f64_with<&Kernels::f32_to_f16, 2>, swap_numbers<2>},
    Codec{"bf16", Kind::floating, 1, 2, true, decode_with<&Kernels::bf16_to_f32>, encode_with<&Kernels::f32_to_bf16>,
          nullptr, encode_f64_with<&Kernels::f32_to_bf16, 2>, swap_numbers<2>},
    Codec{"f64", Kind::floating, 1, 8, false, decode_with<&Kernels::f64_to_f32>, encode_f32_to_f64, decode_f64,
          encode_f64, swap_numbers<8>},
    Codec{"f8_e4m3", Kind::floating, 1, 1, true, decode_with<&Kernels::f8_e4m3_to_f32>,
          encode_with<&Kernels::f32_to_f8_e4m3>, nullptr, encode_f64_with<&Kernels::f32_to_f8_e4m3, 1>, swap_nothing},
    Codec{"f8_e5m2", Kind::floating, 1, 1, true, decode_with<&Kernels::f8_e5m2_to_f32>,
          encode_with<&Kernels::f32_to_f8_e5m2>, nullptr, encode_f64_with<&Kernels::f32_to_f8_e5m2, 1>, swap_nothing},
    Codec{"f8_e8m0", Kind::floating, 1, 1, true, decode_e8m0, nullptr, nullptr, nullptr, swap_nothing},
    Codec{"f8_e4m3fnuz", Kind::floating, 1, 1, true, decode_fnuz<3, 8>, nullptr, nullptr, nullptr, swap_nothing},
    Codec{"f8_e5m2fnuz", Kind::floating, 1, 1, true, decode_fnuz<2, 16>, nullptr, nullptr, nullptr, swap_nothing},
    integer<std::int8_t>("i8"),
    integer<std::uint8_t>("u8"),
    integer<std::int16_t>("i16"),
    integer<std::uint16_t>("u16"),
    integer<std::int32_t>("i32"),
    integer<std::uint32_t>("u32"),
    integer<std::int64_t>("i64"),
    integer<std::uint64_t>("u64"),
    Codec{"bool", Kind::integer, 1, 1, true, decode_bool, nullptr, nullptr, nullptr, swap_nothing},
    Codec{"q8_0", Kind::block, 32, 34, true, decode_with<&Kernels::decode_q8_0>, encode_with<&Kernels::encode_q8_0>,
          nullptr, nullptr, swap_scales<34, 0>},
    Codec{"q4_0", Kind::block, 32, 18, true, decode_with<&Kernels::decode_q4_0>, encode_with<&Kernels::encode_q4_0>,
          nullptr, nullptr, swap_scales<18, 0>, encode_weighted_q4_0},
    weighted_codec<&Blocks::q4_1>("q4_1", 32, 20, swap_scales<20, 0, 2>),
    weighted_codec<&Blocks::q5_0>("q5_0", 32, 22, swap_scales<22, 0>),
    weighted_codec<&Blocks::q5_1>("q5_1", 32, 24, swap_scales<24, 0, 2>),
    weighted_codec<&Blocks::q2_k>("q2_k", 256, 84, swap_scales<84, 80, 82>),
    weighted_codec<&Blocks::q3_k>("q3_k", 256, 110, swap_scales<110, 108>),
    weighted_codec<&Blocks::q4_k>("q4_k", 256, 144, swap_scales<144, 0, 2>),
    weighted_codec<&Blocks::q5_k>("q5_k", 256, 176, swap_scales<176, 0, 2>),
    weighted_codec<&Blocks::q6_k>("q6_k", 256, 210, swap_scales<210, 208>),
    weighted_codec<&Blocks::iq4_nl>("iq4_nl", 32, 18, swap_scales<18, 0>),
    weighted_codec<&Blocks::iq4_xs>("iq4_xs", 256, 136, swap_scales<136, 0, 2>),
    block_codec<&Blocks::mxfp4>("mxfp4", 32, 17, swap_nothing),
    block_codec<&Blocks::nvfp4>("nvfp4", 64, 36, swap_nothing),
    block_codec<&Blocks::tq1_0>("tq1_0", 256, 54, swap_scales<54, 52>),
    block_codec<&Blocks::tq2_0>("tq2_0", 256, 66, swap_scales<66, 64>),
    block_codec<&Blocks::q1_0>("q1_0", 128, 18, swap_scales<18, 0>),
    block_codec<&Blocks::q2_0>("q2_0", 64, 18, swap_scales<18, 0>),
    importance_codec<&Blocks::iq2_xxs>("iq2_xxs", 66),
    importance_codec<&Blocks::iq2_xs>("iq2_xs", 74),
    grid_codec<&Blocks::iq2_s>("iq2_s", 82),
    grid_codec<&Blocks::iq3_xxs>("iq3_xxs", 98),
    grid_codec<&Blocks::iq3_s>("iq3_s", 110),
    importance_codec<&Blocks::iq1_s>("iq1_s", 50),
    grid_codec<&Blocks::iq1_m>("iq1_m", 56),
};

}  // namespace

std::span<const Codec> codecs() { return table; }

const Codec* find_codec(std::string_view id) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const Codec& codec) { return codec.id == id; });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace heirloom::encoding
