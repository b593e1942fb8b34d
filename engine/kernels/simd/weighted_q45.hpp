// q4_0, q4_1, q5_0 and q5_1 with an importance, V::lanes blocks at once. See lanes_avx2.hpp for V; blocks_q4_q5.cpp for
// the layouts.
#pragma once

#include "engine/kernels/blocks.hpp"
#include "engine/kernels/simd/affine.hpp"
#include "engine/kernels/simd/groups.hpp"

namespace heirloom::kernels::simd {

using EncodeWeighted = void (*)(const float*, const float*, std::uint8_t*, std::size_t) noexcept;

// One block of a layout as bytes: | scale f16 | least f16, if has_least | fifth bits, if bits is 5 | nibbles |
template <unsigned bits, bool has_least>
struct Q45Layout {
  static constexpr int levels = has_least ? (1 << bits) - 1 : 1 << (bits - 1);
  static constexpr std::size_t fifth_bits_at = has_least ? 4 : 2;
  static constexpr std::size_t nibbles_at = fifth_bits_at + (bits == 5 ? 4 : 0);
  static constexpr std::size_t bytes = nibbles_at + 16;

  // The codes of the two halves of a block.
  template <class V>
  static void store(float scale, float least, typename V::I first, typename V::I second, std::uint8_t* dst) {
    store_f16(dst, scale);
    if constexpr (has_least)
      store_f16(dst + 2, least);
    if constexpr (bits == 5) {
      const auto fifth = V::all(16);
      store_u16(dst + fifth_bits_at, static_cast<std::uint16_t>(V::bits((first & fifth) == fifth)));
      store_u16(dst + fifth_bits_at + 2, static_cast<std::uint16_t>(V::bits((second & fifth) == fifth)));
    }
    const auto nibble = V::all(15);
    V::store_u8(dst + nibbles_at, (first & nibble) | V::template shift_left<4>(second & nibble));
  }
};

// Fits of V::lanes blocks in memory, a block to an element; q = clamp(nearest(inverse * (x - least))), plus levels and
// within [-levels, levels) where there is no least value.
template <class V>
struct Q45Fits {
  float scale[V::lanes], minimum[V::lanes], inverse[V::lanes], least[V::lanes];
  std::uint32_t sound;
};

// Rows: the type of lanes for the sums of several rows.
template <class V, class Rows, unsigned bits, bool has_least, EncodeWeighted portable>
struct WeightedQ45 {
  using F = typename V::F;
  using Layout = Q45Layout<bits, has_least>;
  static constexpr std::size_t lanes = V::lanes;

  static Q45Fits<V> fit(const float* src, const F* importance, float variance) {
    F x[block_elements], weights[block_elements];
    load_groups<V>(src, block_elements, x);
    weigh_groups<V>(x, importance, V::all(variance), block_elements, weights);
    Q45Fits<V> fits;
    if constexpr (has_least) {
      const auto fit =
          fit_affine<V, block_elements, Deviation::squared>(x, weights, Layout::levels, weighted_trials());
      V::store(fits.scale, fit.scale);
      V::store(fits.minimum, V::negate(fit.minus_min));
      V::store(fits.inverse, fit.inverse);
      V::store(fits.least, fit.least);
      fits.sound = V::bits(fit.is_sound & are_moderate<V>(x, block_elements));
    } else {
      const auto fit = fit_symmetric<V, block_elements, Layout::levels>(x, weights);
      V::store(fits.scale, fit.scale);
      V::store(fits.inverse, fit.inverse);
      fits.sound = V::bits(are_moderate<V>(x, block_elements));
    }
    return fits;
  }

  static typename V::I codes_of(const float* x, F inverse, F least) {
    const F low = V::all(nearest_magic - (has_least ? 0 : Layout::levels));
    const F high = V::all(nearest_magic + (has_least ? Layout::levels : Layout::levels - 1));
    const F difference = has_least ? V::load(x) - least : V::load(x);
    const F code = V::min(V::max(inverse * difference + V::all(nearest_magic), low), high);
    return (V::as_int(code) + V::all(has_least ? 0 : Layout::levels)) & V::all(31);
  }

  static void store_block(const float* x, const Q45Fits<V>& fits, std::size_t b, std::uint8_t* dst) {
    static_assert(lanes == block_elements / 2);
    const F inverse = V::all(fits.inverse[b]), least = V::all(has_least ? fits.least[b] : 0.0f);
    typename V::I first = codes_of(x, inverse, least), second = codes_of(x + lanes, inverse, least);
    if (!has_least && fits.inverse[b] == 0.0f)  // a block of zeros
      first = second = V::all(0);
    Layout::template store<V>(fits.scale[b], has_least ? fits.minimum[b] : 0.0f, first, second, dst);
  }

  // At most `several` rows; bit r of the result: the portable row has to do row r. The last blocks take the lanes
  // together with some before them.
  static std::uint32_t encode_rows(const float* src, const float* importance, const float* variances, std::uint8_t* dst,
                                   std::size_t rows, std::size_t n) {
    const std::size_t blocks = n / block_elements;
    if (blocks < lanes)
      return ~0u;
    std::uint32_t failed = 0;
    for (std::size_t b = 0; b < blocks; b += lanes) {
      const std::size_t first = b + lanes <= blocks ? b : blocks - lanes;
      F columns[block_elements];
      load_groups<V>(importance + block_elements * first, block_elements, columns);
      for (std::size_t row = 0; row < rows; ++row) {
        const float* x = src + n * row + block_elements * first;
        const Q45Fits<V> fits = fit(x, columns, variances[row]);
        failed |= static_cast<std::uint32_t>(fits.sound != (1u << lanes) - 1) << row;
        for (std::size_t i = 0; i < lanes; ++i)
          store_block(x + block_elements * i, fits, i, dst + Layout::bytes * (blocks * row + first + i));
      }
    }
    return failed;
  }

  // The variance is that of a whole row.
  static void encode(const float* src, const float* importance, std::uint8_t* dst, std::size_t rows,
                     std::size_t n) noexcept {
    constexpr std::size_t several = Rows::lanes;
    const std::size_t row_bytes = n / block_elements * Layout::bytes;
    for (std::size_t row = 0; row < rows; row += several) {
      const std::size_t count = rows - row < several ? rows - row : several;
      float variances[several] = {};
      sum_squares<Rows>(src + n * row, count, n, variances);
      for (float& variance : variances) variance = variance / static_cast<float>(n);
      const std::uint32_t failed = encode_rows(src + n * row, importance, variances, dst + row_bytes * row, count, n);
      for (std::size_t r = row; r < row + count; ++r)
        if ((failed >> (r - row) & 1) != 0)
          portable(src + n * r, importance, dst + row_bytes * r, n);
    }
  }
};

}  // namespace heirloom::kernels::simd
