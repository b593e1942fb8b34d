// Groups of numbers in lanes: lane g of x[i] is number i of group g. See lanes_avx2.hpp for V.
#pragma once

#include "engine/kernels/blocks_rows.hpp"

namespace heirloom::kernels::simd {

// Adding 1.5 * 2^23 rounds to the nearest integer, ties to even, for magnitudes below 2^22; the integer is then in the
// lowest bits.
constexpr float nearest_magic = 12582912.0f;

// V::lanes groups of n numbers, n a multiple of 8, that lie one after another.
template <class V>
static inline void load_groups(const float* src, std::size_t n, typename V::F* out) {
  for (std::size_t i = 0; i < n; i += 8) V::load_columns(src + i, n, out + i);
}

// sum_of_squares of `count` rows of n numbers that lie one after another, n a multiple of 8. The numbers of a row are
// added in order, which takes as long for one row as for several at once.
template <std::size_t count>
static inline void sum_squares_of(const float* src, std::size_t n, float* sums) {
  float together[count] = {};
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t r = 0; r < count; ++r) together[r] += src[n * r + i] * src[n * r + i];
  for (std::size_t r = 0; r < count; ++r) sums[r] = together[r];
}

template <class V>
static inline void sum_squares(const float* src, std::size_t count, std::size_t n, float* sums) {
  std::size_t row = 0;
  for (; row + V::lanes <= count; row += V::lanes) {
    auto sum = V::all(0.0f);
    for (std::size_t i = 0; i < n; i += 8) {
      typename V::F columns[8];
      V::load_columns(src + n * row + i, n, columns);
      for (const auto& column : columns) sum = sum + column * column;
    }
    V::store(sums + row, sum);
  }
  for (; row + 4 <= count; row += 4) sum_squares_of<4>(src + n * row, n, sums + row);
  for (; row < count; ++row) sum_squares_of<1>(src + n * row, n, sums + row);
}

// As weigh: the weights that an importance gives to groups whose numbers are x.
template <class V>
static inline void weigh_groups(const typename V::F* x, const typename V::F* importance, typename V::F variance,
                                std::size_t n, typename V::F* weights) {
  for (std::size_t i = 0; i < n; ++i) weights[i] = importance[i] * V::sqrt(variance + x[i] * x[i]);
}

template <class V>
static inline void weigh_groups(const typename V::F* x, const float* importance, typename V::F variance, std::size_t n,
                                typename V::F* weights) {
  load_groups<V>(importance, n, weights);
  weigh_groups<V>(x, weights, variance, n, weights);
}

template <class V>
static inline typename V::F sum_of_each(const typename V::F* x, std::size_t n) {
  auto sum = V::all(0.0f);
  for (std::size_t i = 0; i < n; ++i) sum = sum + x[i];
  return sum;
}

// Lane g is element g / times of `values`.
template <class V>
static inline typename V::F repeat_each(const float* values, std::size_t times) {
  float spread[V::lanes];
  for (std::size_t g = 0; g < V::lanes; ++g) spread[g] = values[g / times];
  return V::load(spread);
}

}  // namespace heirloom::kernels::simd
