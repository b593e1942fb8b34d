// What encoders of small blocks share: eight blocks at a time, so that their scales are found in lanes. See
// lanes_avx2.hpp for the types of lanes; V has eight here.
#pragma once

#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_rows.hpp"

namespace heirloom::kernels::simd {

constexpr std::size_t batch_blocks = 8;

// The last batch, where fewer blocks are left, is filled up with zeros.
template <std::size_t elements, std::size_t bytes, std::size_t blocks, auto batch>
static void encode_batches(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  constexpr std::size_t step = elements * blocks;
  for (; n >= step; n -= step, src += step, dst += bytes * blocks) batch(src, dst);
  if (n == 0)
    return;
  float numbers[step] = {};
  std::uint8_t codes[bytes * blocks];
  __builtin_memcpy(numbers, src, n * sizeof(float));
  batch(numbers, codes);
  __builtin_memcpy(dst, codes, n / elements * bytes);
}

// Lane k of the result: best(best(...)) of the eight numbers from values[8 * k].
template <class V, class Best>
static inline auto best_of_each(const float* values, Best best) {
  typename V::F c[8];
  V::load_columns(values, 8, c);
  return best(best(best(c[0], c[1]), best(c[2], c[3])), best(best(c[4], c[5]), best(c[6], c[7])));
}

// The bits of the largest magnitude of each of eight runs of `count` numbers. As integers: infinity and NaN come out
// as infinity_bits and more.
template <class V, std::size_t count>
static inline typename V::I largest_magnitudes(const float* src) {
  float partial[8 * batch_blocks];
  for (std::size_t k = 0; k < batch_blocks; ++k) {
    auto most = V::as_int(V::abs(V::load(src + count * k)));
    for (std::size_t i = 8; i < count; i += 8) most = V::max(most, V::as_int(V::abs(V::load(src + count * k + i))));
    V::store(partial + 8 * k, V::as_float(most));
  }
  return V::as_int(best_of_each<V>(partial, [](auto a, auto b) {
    return V::as_float(V::max(V::as_int(a), V::as_int(b)));
  }));
}

}  // namespace heirloom::kernels::simd
