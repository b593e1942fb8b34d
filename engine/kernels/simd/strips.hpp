// Conversions of numbers one after another: `several` converts `count` of them, `one` what is left over.
// For isa_*.cpp alone; internal linkage throughout.
#pragma once

#include "engine/kernels/element.hpp"

namespace heirloom::kernels::simd {
namespace {

template <auto several, std::size_t count, auto one>
void from_u8(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  std::size_t i = 0;
  for (; i + count <= n; i += count) several(src + i, dst + i);
  for (; i < n; ++i) dst[i] = one(src[i]);
}

template <auto several, std::size_t count, auto one>
void from_u16(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  std::size_t i = 0;
  for (; i + count <= n; i += count) several(src + 2 * i, dst + i);
  for (; i < n; ++i) dst[i] = one(load_u16(src + 2 * i));
}

template <auto several, std::size_t count, auto one>
void from_u64(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  std::size_t i = 0;
  for (; i + count <= n; i += count) several(src + 8 * i, dst + i);
  for (; i < n; ++i) dst[i] = one(load_u64(src + 8 * i));
}

template <auto one>
void each_u64(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) dst[i] = one(load_u64(src + 8 * i));
}

template <auto several, std::size_t count, auto one>
void to_u8(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  std::size_t i = 0;
  for (; i + count <= n; i += count) several(src + i, dst + i);
  for (; i < n; ++i) dst[i] = one(src[i]);
}

template <auto several, std::size_t count, auto one>
void to_u16(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  std::size_t i = 0;
  for (; i + count <= n; i += count) several(src + i, dst + 2 * i);
  for (; i < n; ++i) store_u16(dst + 2 * i, one(src[i]));
}

template <class V>
std::uint32_t largest_magnitude(const float* src, std::size_t n) noexcept {
  constexpr auto all_but_sign = static_cast<std::int32_t>(~sign_bit);
  auto most = V::all(0);
  std::size_t i = 0;
  for (; i + V::lanes <= n; i += V::lanes) most = V::max(most, V::as_int(V::load(src + i)) & V::all(all_but_sign));
  std::int32_t lanes[V::lanes];
  V::store(lanes, most);
  std::uint32_t largest = 0;
  for (const std::int32_t lane : lanes)
    largest = largest > static_cast<std::uint32_t>(lane) ? largest : static_cast<std::uint32_t>(lane);
  for (; i < n; ++i) {
    const std::uint32_t magnitude = bits_of(src[i]) & ~sign_bit;
    largest = largest > magnitude ? largest : magnitude;
  }
  return largest;
}

}  // namespace
}  // namespace heirloom::kernels::simd
