// iq2 and iq3 in lanes: the trials of a group a lane each, the candidates of a point a lane each. See
// blocks_grid_formats.hpp for the order of work and lanes_avx2.hpp for V, which has eight lanes.
#pragma once

#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_grid_formats.hpp"
#include "engine/kernels/simd/grid_first_fit.hpp"
#include "engine/kernels/simd/grid_search.hpp"
#include "engine/kernels/simd/groups.hpp"

namespace heirloom::kernels::simd {

constexpr float grid_values[2][8] = {{1.0f, 3.0f, 5.0f, 7.0f, 1.0f, 3.0f, 5.0f, 7.0f},
                                     {1.0f, 3.0f, 5.0f, 7.0f, 9.0f, 11.0f, 13.0f, 15.0f}};

// Numbers and weights below these leave all costs finite; a group whose largest magnitude is this much smaller than the
// others of the block, or tiny, has trials whose levels the reference may round wrongly.
constexpr float largest_grid_number = 1e10f;
constexpr float largest_grid_weight = 1e20f;
constexpr float smallest_grid_group = 1e-30f;
constexpr float smallest_grid_share = 0x1p-18f;

constexpr std::size_t max_trials = 32;
struct Numerators {
  float of[max_trials];
};
constexpr Numerators make_numerators(const GridFormat& format) {
  Numerators numerators{};
  for (int i = 0; i < static_cast<int>(max_trials); ++i) {
    const int trial = i - format.reach < format.reach ? i - format.reach : format.reach;
    numerators.of[i] = format.top() + static_cast<float>(trial) * format.step;
  }
  return numerators;
}

// The levels nearest to inverse * x, one point in each lane. key_of code as well.
template <class V>
struct Levels {
  typename V::I code, key;
};

template <class V, unsigned bits, unsigned i>
HEIRLOOM_INLINE void add_level(const typename V::F* x, typename V::F inverse, Levels<V>& levels) {
  const auto magic = V::all(nearest_magic);
  const auto wanted = V::all(0.5f) * (inverse * x[i] - V::all(1.0f)) + magic;
  const auto level = V::min(V::max(wanted, magic), V::all(nearest_magic + static_cast<float>(point_levels<bits> - 1)));
  const auto number = V::as_int(level) - V::as_int(magic);
  if constexpr (i == 0)
    levels.code = number;
  else
    levels.code = levels.code | V::template shift_left<bits * i>(number);
  if constexpr (bits == 2 && i == 7)
    levels.key = number;
  else if constexpr (bits == 2)
    levels.key = V::template shift_left<1>(levels.key) + levels.key + number;
}

// The last level counts most in a key.
template <class V, unsigned bits>
HEIRLOOM_INLINE Levels<V> levels_of(const typename V::F* x, typename V::F inverse) {
  Levels<V> levels;
  levels.code = V::all(0);
  levels.key = V::all(0);
  if constexpr (bits == 2) {
    add_level<V, bits, 7>(x, inverse, levels);
    add_level<V, bits, 6>(x, inverse, levels);
    add_level<V, bits, 5>(x, inverse, levels);
    add_level<V, bits, 4>(x, inverse, levels);
  }
  add_level<V, bits, 3>(x, inverse, levels);
  add_level<V, bits, 2>(x, inverse, levels);
  add_level<V, bits, 1>(x, inverse, levels);
  const auto rest = levels.code;
  add_level<V, bits, 0>(x, inverse, levels);
  levels.code = levels.code | rest;
  if constexpr (bits == 3)
    levels.key = levels.code;
  return levels;
}

template <class V, unsigned bits>
struct TrialSums {
  typename V::F xq, qq;
  typename V::Table values;
};

template <class V, unsigned bits, unsigned i>
HEIRLOOM_INLINE void add_products(const float* weights, const float* products, typename V::I codes,
                                  TrialSums<V, bits>& sums) {
  auto level = codes;
  if constexpr (i != 0)
    level = V::template shift_right<bits * i>(codes);
  const auto q = lookup<V, bits>(sums.values, level);
  sums.xq = sums.xq + V::all(products[i]) * q;
  sums.qq = sums.qq + V::all(weights[i]) * q * q;
}

template <class V, unsigned bits>
HEIRLOOM_INLINE void add_point(const float* weights, const float* products, typename V::I codes,
                               TrialSums<V, bits>& sums) {
  add_products<V, bits, 0>(weights, products, codes, sums);
  add_products<V, bits, 1>(weights, products, codes, sums);
  add_products<V, bits, 2>(weights, products, codes, sums);
  add_products<V, bits, 3>(weights, products, codes, sums);
  if constexpr (bits == 2) {
    add_products<V, bits, 4>(weights, products, codes, sums);
    add_products<V, bits, 5>(weights, products, codes, sums);
    add_products<V, bits, 6>(weights, products, codes, sums);
    add_products<V, bits, 7>(weights, products, codes, sums);
  }
}

template <class V>
struct LanesSearch {
  using F = typename V::F;
  using I = typename V::I;
  static constexpr std::size_t blocks_at_once = V::lanes;

  static void sum_squares(const float* x, std::size_t blocks, float* sums) {
    simd::sum_squares<V>(x, blocks, super_elements, sums);
  }

  template <class Encoding>
  static bool prepare(const float* x, const float* importance, float sum, GridBlock& block) {
    constexpr GridFormat format = Encoding::format;
    const F zero = V::all(0.0f);
    const F variance = V::all(variance_of(sum, format.variance_factor));
    const F quarter = V::all(0.25f) * variance;
    auto is_sound = zero == zero;
    for (std::size_t i = 0; i < super_elements; i += V::lanes) {
      const F number = V::load(x + i);
      F weight = number * number;
      if (importance != nullptr)
        weight = V::load(importance + i) * V::sqrt(variance + weight);
      else if (format.plain == Plain::raised_squares)
        weight = quarter + weight;
      const auto is_negative = number < zero;
      const F magnitude = V::select(is_negative, V::negate(number), number);
      is_sound = is_sound & (magnitude < V::all(largest_grid_number)) & (weight < V::all(largest_grid_weight)) &
                 (weight >= zero);
      V::store(block.weights + i, weight);
      V::store(block.roots + i, V::sqrt(weight));
      V::store(block.magnitudes + i, magnitude);
      block.signs[i / 8] = static_cast<std::uint8_t>(V::bits(is_negative));
    }
    if (V::bits(is_sound) != (1u << V::lanes) - 1)
      return false;
    const float widest = find_largest<format.group>(block.magnitudes, block.largest);
    if (format.has_even_signs) {
      for (std::size_t p = 0; p < super_elements / 8; ++p) even_signs(x + 8 * p, block, p);
      find_largest<format.group>(block.magnitudes, block.largest);
    }
    for (std::size_t g = 0; g < format.groups(); ++g)
      if (block.largest[g] >= format.smallest &&
          (block.largest[g] < smallest_grid_group ||
           (format.has_even_signs && block.largest[g] < smallest_grid_share * widest)))
        return false;
    if constexpr (format.has_first_fit)
      return fit_first<V>(block.magnitudes, block.weights, block.largest, block.first);
    return true;
  }

  template <unsigned bits>
  static std::uint32_t nearest_point(const PointTable& table, PointEntry entry, const float* x, const float* roots,
                                     float scale) {
    return nearest_in_lanes<V, bits>(table, entry, spread_point<V, bits>(x, roots), scale,
                                     V::load(grid_values[bits - 2]));
  }

  template <class Encoding>
  static unsigned try_scales(const GridBlock& block, std::size_t g, const PointTable& table, float extreme,
                             GridFit& fit) {
    constexpr GridFormat format = Encoding::format;
    constexpr Numerators numerators = make_numerators(format);
    constexpr std::size_t trials = static_cast<std::size_t>(2 * format.reach + 1);
    constexpr std::size_t padded = (trials + V::lanes - 1) / V::lanes * V::lanes;
    const float* x = block.magnitudes + format.group * g;
    const float* weights = block.weights + format.group * g;
    float inverses[padded], scales[padded];
    for (std::size_t t = 0; t < padded; t += V::lanes) {
      const F inverse = V::load(numerators.of + t) / V::all(extreme);
      V::store(inverses + t, inverse);
      V::store(scales + t, V::all(1.0f) / inverse);
    }
    std::int32_t codes[format.points()][padded];
    std::uint8_t off_grid[padded] = {};
    for (std::size_t k = 0; k < format.points(); ++k) {
      const std::size_t at = format.point() * k;
      choose_points<format.bits, trials>(table, x + at, block.roots + format.group * g + at, inverses, scales,
                                         static_cast<std::uint8_t>(1u << k), codes[k], off_grid);
    }
    float xq[padded], qq[padded];
    sum_trials<format.bits, format.points(), padded>(x, weights, codes[0], xq, qq);
    float best = 0.0f;
    std::size_t winner = padded;
    for (std::size_t t = 0; t < trials; ++t)
      if (qq[t] > 0.0f && xq[t] * xq[t] > best * qq[t]) {
        fit.scale = xq[t] / qq[t];
        best = fit.scale * xq[t];
        winner = t;
      }
    if (winner == padded)
      return format.again == Again::all_if_off_grid ? ~0u : 0;
    for (std::size_t k = 0; k < format.points(); ++k) fit.codes[k] = static_cast<std::uint16_t>(codes[k][winner]);
    return off_grid[winner];
  }

 private:
  // The largest of each group, and of all.
  template <std::size_t group>
  static float find_largest(const float* magnitudes, float* largest) {
    F all = V::all(0.0f);
    for (std::size_t first = 0; first < super_elements; first += group * V::lanes) {
      float columns[V::lanes * V::lanes];
      for (std::size_t g = 0; g < V::lanes; ++g) {
        const float* numbers = magnitudes + first + group * g;
        F most = V::load(numbers);
        for (std::size_t i = V::lanes; i < group; i += V::lanes) most = V::max(V::load(numbers + i), most);
        V::store(columns + V::lanes * g, most);
      }
      F rows[V::lanes];
      V::load_columns(columns, V::lanes, rows);
      for (std::size_t i = 1; i < V::lanes; ++i) rows[0] = V::max(rows[i], rows[0]);
      V::store(largest + first / group, rows[0]);
      all = V::max(rows[0], all);
    }
    return -lane_of(V::least(V::negate(all)));
  }

  static float lane_of(F a) {
    float lanes[V::lanes];
    V::store(lanes, a);
    return lanes[0];
  }

  // As make_even.
  static void even_signs(const float* x, GridBlock& block, std::size_t p) {
    if (__builtin_parity(block.signs[p]) == 0)
      return;
    const F number = V::load(x);
    const F cost = V::load(block.weights + 8 * p) * number * number;
    const int least = __builtin_ctz(V::bits(cost == V::least(cost)));
    float& magnitude = block.magnitudes[8 * p + static_cast<std::size_t>(least)];
    magnitude = -magnitude;
    block.signs[p] = static_cast<std::uint8_t>(block.signs[p] ^ 1u << least);
  }

  // For one point and all trials.
  template <unsigned bits, std::size_t trials>
  static void choose_points(const PointTable& table, const float* x, const float* roots, const float* inverses,
                            const float* scales, std::uint8_t mark, std::int32_t* codes, std::uint8_t* off_grid) {
    const SpreadPoint<V, bits> point = spread_point<V, bits>(x, roots);
    const F values = V::load(grid_values[bits - 2]);
    std::int32_t keys[(trials + V::lanes - 1) / V::lanes * V::lanes];
    for (std::size_t t = 0; t < trials; t += V::lanes) {
      const Levels<V> levels = levels_of<V, bits>(point.x, V::load(inverses + t));
      V::store(codes + t, levels.code);
      V::store(keys + t, levels.key);
    }
    for (std::size_t t = 0; t < trials; ++t) {
      const PointEntry entry = table.entries[keys[t]];
      if (entry.eights == 0)
        continue;
      off_grid[t] = static_cast<std::uint8_t>(off_grid[t] | mark);
      codes[t] = static_cast<std::int32_t>(nearest_in_lanes<V, bits>(table, entry, point, scales[t], values));
    }
  }

  template <unsigned bits, std::size_t group_points, std::size_t padded>
  static void sum_trials(const float* x, const float* weights, const std::int32_t* codes, float* xq, float* qq) {
    constexpr std::size_t point = weights_of_point<bits>;
    float products[group_points * point];
    for (std::size_t i = 0; i < group_points * point; i += V::lanes)
      V::store(products + i, V::load(weights + i) * V::load(x + i));
    for (std::size_t t = 0; t < padded; t += V::lanes) {
      TrialSums<V, bits> sums{V::all(0.0f), V::all(0.0f), table_of<V, bits>(V::load(grid_values[bits - 2]))};
      for (std::size_t k = 0; k < group_points; ++k)
        add_point<V, bits>(weights + point * k, products + point * k, V::load(codes + padded * k + t), sums);
      V::store(xq + t, sums.xq);
      V::store(qq + t, sums.qq);
    }
  }
};

// What a row has for an encoding.
template <class V, class Encoding, auto portable>
struct GridBlocks {
  static void encode(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
    encode_grid<Encoding, LanesSearch<V>, portable>(src, nullptr, dst, n);
  }
  static void encode_weighted(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
    encode_grid<Encoding, LanesSearch<V>, portable>(src, importance, dst, n);
  }
};

}  // namespace heirloom::kernels::simd
