// Searches for the scale (and the least value) with which a few bits say a group of numbers best. Each is one of ggml's
// make_*_quants with its order of operations: sums run over the group in order, in binary32, and a candidate replaces
// the best one only when it is strictly better. A group is at most 32 numbers; groups are independent of each other.
#pragma once

#include "engine/kernels/block.hpp"

namespace heirloom::kernels {

constexpr std::size_t max_group = 32;
constexpr float smallest_group = 1e-15f;  // a group whose magnitudes are all below counts as zero

// The nearest integer, ties to even, by adding 1.5 * 2^23. Right below 2^22; beyond it some number of 23 bits.
static inline std::int32_t nearest(float value) {
  return static_cast<std::int32_t>(bits_of(value + 12582912.0f) & 0x7f'ffff) - 0x40'0000;
}
static inline std::int32_t clamped(std::int32_t value, std::int32_t low, std::int32_t high) {
  const std::int32_t below = value < high ? value : high;
  return below > low ? below : low;
}

struct Extreme {
  float value;  // the first of the largest magnitude, with its sign
  float magnitude;
};

static inline Extreme extreme_of(const float* x, std::size_t n) {
  Extreme extreme{0.0f, 0.0f};
  for (std::size_t i = 0; i < n; ++i)
    if (magnitude_of(x[i]) > extreme.magnitude)
      extreme = {x[i], magnitude_of(x[i])};
  return extreme;
}

// weight = scale * (q - levels), q in [0, 2 * levels - 1]. Returns the scale; a zero group has scale 0 and q = 0.
// Without weights every number counts with its square. (make_qx_quants)
float fit_symmetric(const float* x, const float* weights, std::size_t n, int levels, std::int8_t* q) noexcept;

// The same, improving one q after the other instead of trying scales. (make_q3_quants)
float fit_symmetric_stepwise(const float* x, std::size_t n, int levels, std::int8_t* q) noexcept;

// weight = scale * q, q in [0, levels], for numbers that are not negative. (make_qp_quants)
float fit_positive(const float* x, const float* weights, std::size_t n, int levels, std::uint8_t* q) noexcept;

// The scales that fit_affine tries: (first + step * i + levels) / range for i in [0, count].
struct Trials {
  float first;
  float step;
  int count;
};
enum class Deviation { absolute, squared };
struct Affine {
  float scale;
  float minus_min;  // not negative
};

// weight = scale * q - minus_min, q in [0, levels]. (make_qkx2_quants, make_qkx3_quants)
template <Deviation deviation>
Affine fit_affine(const float* x, const float* weights, std::size_t n, int levels, Trials trials,
                  std::uint8_t* q) noexcept;

}  // namespace heirloom::kernels
