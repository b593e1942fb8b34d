// iq1 in lanes: eight groups at once, a group to a lane; then the candidates of a point a lane each. See blocks_iq1.cpp
// for what is computed and lanes_avx2.hpp for V, which has eight lanes.
#pragma once

#include "engine/kernels/blocks.hpp"
#include "engine/kernels/simd/grid_search.hpp"
#include "engine/kernels/simd/iq1_borders.hpp"

namespace heirloom::kernels::simd {

// Numbers and weights below these leave all sums finite.
constexpr float largest_iq1_number = 1e10f;
constexpr float largest_iq1_weight = 1e20f;

// The points of eight groups whose levels the borders give, on the grid or moved there.
template <class V, class Pairs>
struct Iq1Placing {
  static constexpr std::size_t n = Pairs::n;
  static constexpr std::size_t group_points = n / 8;
  using F = typename V::F;
  using I = typename V::I;

  I codes[group_points];
  F scale;
  I shifts;

  Iq1Placing(const Iq1Lanes<V, n>& groups, const Borders<V>& best) {
    const I one = V::all(1), two = V::all(2);
    const auto is_mirrored = best.scale < V::all(0.0f);
    scale = V::select(is_mirrored, V::negate(best.scale), best.scale);
    shifts = V::select(is_mirrored, best.shifts ^ V::all((1 << n / Pairs::part) - 1), best.shifts);
    for (std::size_t k = 0; k < group_points; ++k) {
      codes[k] = V::all(0);
      for (std::size_t i = 8; i-- > 0;) {
        const I rank = groups.ranks[8 * k + i] + one;
        const I level = V::all(0) - V::ones(rank > best.low) - V::ones(rank > best.high);
        codes[k] = V::template shift_left<2>(codes[k]) | V::select(is_mirrored, two - level, level);
      }
    }
  }

  // Shift of part k of each group, as the level -1 shifted.
  F lowest_level(std::size_t k) const {
    const I bit = shifts & V::all(static_cast<std::int32_t>(1u << (8 * k / Pairs::part)));
    return V::select(bit == V::all(0), V::all(shifted_levels[0][0]), V::all(shifted_levels[1][0]));
  }

  // Least squares with the codes as they are now, where the sums allow it.
  F refitted(const Iq1Lanes<V, n>& groups) const {
    const F zero = V::all(0.0f);
    F xq = zero, qq = zero;
    for (std::size_t k = 0; k < group_points; ++k) {
      const F lowest = lowest_level(k);
      I rest = codes[k];
      for (std::size_t i = 8 * k; i < 8 * k + 8; ++i) {
        const F q = V::to_float(rest & V::all(3)) + lowest;
        const F wq = groups.weights[i] * q;
        xq = xq + wq * groups.x[i];
        qq = qq + wq * q;
        rest = V::template shift_right<2>(rest);
      }
    }
    return V::select((xq > zero) & (qq > zero), xq / qq, scale);
  }
};

template <class V>
static inline typename V::F shifted_values(unsigned shift) {
  constexpr float values[2][8] = {{-0.875f, 0.125f, 1.125f, 0.0f, -0.875f, 0.125f, 1.125f, 0.0f},
                                  {-1.125f, -0.125f, 0.875f, 0.0f, -1.125f, -0.125f, 0.875f, 0.0f}};
  return V::load(values[shift]);
}

// Eight groups. x and weights are theirs, one group after another.
template <class V, class Pairs>
static inline void find_iq1_groups(const PointTable& table, const float* x, const float* weights, float smallest,
                                   Iq1Group* out) {
  constexpr std::size_t n = Pairs::n;
  constexpr std::size_t group_points = n / 8;
  Iq1Lanes<V, n> groups;
  groups.load(x, weights);
  Pairs pairs(groups);
  const auto largest = groups.largest();
  const Borders<V> best = find_borders<V>(pairs, largest);
  Iq1Placing<V, Pairs> placing(groups, best);
  std::int32_t codes[group_points][V::lanes], low[V::lanes], shifts[V::lanes];
  float scales[V::lanes], most[V::lanes], refitted[V::lanes];
  for (std::size_t k = 0; k < group_points; ++k) V::store(codes[k], placing.codes[k]);
  V::store(low, best.low);
  V::store(shifts, placing.shifts);
  V::store(scales, placing.scale);
  V::store(most, largest);
  bool is_on_grid[V::lanes];
  for (std::size_t g = 0; g < V::lanes; ++g) {
    out[g] = {0.0f, 0, {}};
    is_on_grid[g] = true;
    if (most[g] < smallest || low[g] < 0)
      continue;
    out[g].scale = scales[g];
    out[g].shifts = static_cast<unsigned>(shifts[g]);
    for (std::size_t k = 0; k < group_points; ++k) {
      PointEntry entry = table.entries[key_of<2>(static_cast<std::uint32_t>(codes[k][g]))];
      if (entry.eights != 0) {
        const std::size_t at = n * g + 8 * k;
        const std::uint32_t code =
            nearest_in_lanes<V, 2>(table, entry, spread_point<V, 2>(x + at, weights + at), scales[g],
                                   shifted_values<V>(out[g].shifts >> (8 * k / Pairs::part) & 1));
        codes[k][g] = static_cast<std::int32_t>(code);
        entry = table.entries[key_of<2>(code)];
        is_on_grid[g] = false;
      }
      out[g].indices[k] = entry.first;
    }
  }
  for (std::size_t k = 0; k < group_points; ++k) placing.codes[k] = V::load(codes[k]);
  V::store(refitted, placing.refitted(groups));
  for (std::size_t g = 0; g < V::lanes; ++g)
    if (!is_on_grid[g])
      out[g].scale = refitted[g];
}

// Weights of a block. False where the portable code is to be asked.
template <class V>
static inline bool weigh_iq1_block(const float* x, const float* importance, float sum, float* weights) {
  const auto zero = V::all(0.0f);
  const auto variance = V::all(2.0f * sum / static_cast<float>(super_elements));
  auto is_sound = zero == zero;
  for (std::size_t i = 0; i < super_elements; i += V::lanes) {
    const auto number = V::load(x + i);
    auto weight = number * number;
    if (importance != nullptr)
      weight = V::load(importance + i) * V::sqrt(variance + weight);
    is_sound = is_sound & (V::abs(number) < V::all(largest_iq1_number)) & (weight < V::all(largest_iq1_weight)) &
               (weight >= zero);
    V::store(weights + i, weight);
  }
  return V::bits(is_sound) == (1u << V::lanes) - 1;
}

// Calls encode(number, x, importance of the block or null, block, is_sound) for every block, with its weights set.
template <class V, class Encode>
static inline void each_weighed_iq1_block(const float* src, const float* importance, std::size_t n, Encode encode) {
  const std::size_t blocks = n / super_elements;
  float sums[V::lanes];
  for (std::size_t b = 0; b < blocks; ++b) {
    const float* x = src + super_elements * b;
    if (b % V::lanes == 0)
      sum_squares<V>(x, blocks - b < V::lanes ? blocks - b : V::lanes, super_elements, sums);
    const float* counts = importance == nullptr ? nullptr : importance + super_elements * b;
    Iq1Block block;
    const bool is_sound = weigh_iq1_block<V>(x, counts, sums[b % V::lanes], block.weights);
    encode(b, x, counts, block, is_sound);
  }
}

template <class V>
struct Iq1SBlocks {
  static constexpr std::size_t bytes = 50;

  static void encode_weighted(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
    const PointTable& table = iq1_points();
    each_weighed_iq1_block<V>(src, importance, n, [&](std::size_t b, const float* x, const float* counts, Iq1Block& block,
                                                      bool is_sound) {
      if (!is_sound)
        return encode_weighted_iq1_s(x, counts, dst + bytes * b, super_elements);
      find_iq1_groups<V, Iq1SPairs<V>>(table, x, block.weights, 1e-12f, block.groups);
      put_iq1_s(block, dst + bytes * b);
    });
  }
};

template <class V>
struct Iq1MBlocks {
  static constexpr std::size_t bytes = 56;

  static void encode_weighted(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
    const PointTable& table = iq1_points();
    each_weighed_iq1_block<V>(src, importance, n, [&](std::size_t b, const float* x, const float* counts, Iq1Block& block,
                                                      bool is_sound) {
      if (!is_sound)
        return encode_weighted_iq1_m(x, counts, dst + bytes * b, super_elements);
      for (std::size_t half = 0; half < 2; ++half)
        find_iq1_groups<V, Iq1MPairs<V>>(table, x + 128 * half, block.weights + 128 * half, 1e-7f,
                                         block.groups + 8 * half);
      put_iq1_m(table, x, block, dst + bytes * b);
    });
  }
  static void encode(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
    encode_weighted(src, nullptr, dst, n);
  }
};

}  // namespace heirloom::kernels::simd
