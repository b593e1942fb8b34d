// Rows of blocks from functions for one block, and the weights that an importance gives to a group. For blocks_*.cpp.
#pragma once

#include "engine/kernels/blocks_search.hpp"

#include <cmath>

namespace heirloom::kernels {

constexpr std::size_t super_elements = 256;  // of a block with sub-blocks

template <std::size_t elements, std::size_t bytes, class Block>
static void encode_each(const float* src, std::uint8_t* dst, std::size_t n, Block block) noexcept {
  for (std::size_t i = 0; i < n / elements; ++i) block(src + elements * i, dst + bytes * i);
}

template <std::size_t elements, std::size_t bytes, class Block>
static void encode_each_weighted(const float* src, const float* importance, std::uint8_t* dst, std::size_t n,
                          Block block) noexcept {
  for (std::size_t i = 0; i < n / elements; ++i) block(src + elements * i, importance + elements * i, dst + bytes * i);
}

template <std::size_t elements, std::size_t bytes, class Block>
static void decode_each(const std::uint8_t* src, float* dst, std::size_t n, Block block) noexcept {
  for (std::size_t i = 0; i < n / elements; ++i) block(src + bytes * i, dst + elements * i);
}

static inline float sum_of_squares(const float* x, std::size_t n) {
  float sum = 0.0f;
  for (std::size_t i = 0; i < n; ++i) sum += x[i] * x[i];
  return sum;
}

// Large numbers count more than their importance says; `variance` is that of the block or row.
static inline void weigh(const float* x, const float* importance, float variance, std::size_t n, float* weights) {
  for (std::size_t i = 0; i < n; ++i) weights[i] = importance[i] * std::sqrt(variance + x[i] * x[i]);
}

static inline float sum_of(const float* x, std::size_t n) {
  float sum = 0.0f;
  for (std::size_t i = 0; i < n; ++i) sum += x[i];
  return sum;
}

static inline float load_f16(const std::uint8_t* src) { return f16_to_f32(load_u16(src)); }
static inline void store_f16(std::uint8_t* dst, float value) { store_u16(dst, scale_to_f16(value)); }

// ggml's trials for blocks with an importance.
static constexpr Trials weighted_trials() { return {-0.9f, 0.05f, 36}; }

}  // namespace heirloom::kernels
