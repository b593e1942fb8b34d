// Search for the point of a grid, with candidates in lanes: eight at a time, each lane adding the costs of its levels
// in the reference's order. V has eight lanes (lanes_avx2.hpp).
#pragma once

#include "engine/kernels/blocks_points.hpp"
#include "engine/kernels/simd/symmetric.hpp"

namespace heirloom::kernels::simd {

template <unsigned bits>
constexpr std::size_t weights_of_point = bits == 2 ? 8 : 4;

// The numbers of a point and their weights, each in all lanes.
template <class V, unsigned bits>
struct SpreadPoint {
  typename V::F x[weights_of_point<bits>];
  typename V::F weights[weights_of_point<bits>];
};

template <class V, unsigned bits>
HEIRLOOM_INLINE SpreadPoint<V, bits> spread_point(const float* x, const float* weights) {
  SpreadPoint<V, bits> point;
  for (std::size_t i = 0; i < weights_of_point<bits>; ++i) {
    point.x[i] = V::all(x[i]);
    point.weights[i] = V::all(weights[i]);
  }
  return point;
}

template <class V, unsigned bits>
HEIRLOOM_INLINE typename V::Table table_of(typename V::F a) {
  if constexpr (bits == 2)
    return V::table4(a);
  else
    return V::table8(a);
}

template <class V, unsigned bits>
HEIRLOOM_INLINE typename V::F lookup(typename V::Table table, typename V::I index) {
  if constexpr (bits == 2)
    return V::lookup4(table, index);
  else
    return V::lookup8(table, index);
}

template <class V, unsigned bits, unsigned i>
HEIRLOOM_INLINE typename V::F cost_of_level(const typename V::Table* costs, typename V::I codes) {
  if constexpr (i == 0)
    return lookup<V, bits>(costs[0], codes);
  else
    return lookup<V, bits>(costs[i], V::template shift_right<bits * i>(codes));
}

template <class V, unsigned bits>
HEIRLOOM_INLINE typename V::F costs_of(const typename V::Table* costs, const std::uint16_t* candidates) {
  const auto codes = V::load_u16(candidates);
  auto sum = cost_of_level<V, bits, 0>(costs, codes);
  sum = sum + cost_of_level<V, bits, 1>(costs, codes);
  sum = sum + cost_of_level<V, bits, 2>(costs, codes);
  sum = sum + cost_of_level<V, bits, 3>(costs, codes);
  if constexpr (bits == 2) {
    sum = sum + cost_of_level<V, bits, 4>(costs, codes);
    sum = sum + cost_of_level<V, bits, 5>(costs, codes);
    sum = sum + cost_of_level<V, bits, 6>(costs, codes);
    sum = sum + cost_of_level<V, bits, 7>(costs, codes);
  }
  return sum;
}

// Where the least cost is in two rounds, the first of equal ones.
template <class V>
HEIRLOOM_INLINE std::uint32_t first_of_two(typename V::F first, typename V::F second) {
  const auto least = V::least(V::min(second, first));
  return static_cast<std::uint32_t>(
      __builtin_ctz(V::bits(first == least) | V::bits(second == least) << candidates_at_once));
}

// The same, given for each lane its least cost and the round it is from.
template <class V>
HEIRLOOM_INLINE std::uint32_t first_of_all(typename V::F costs, typename V::I rounds) {
  std::int32_t round_of[V::lanes];
  V::store(round_of, rounds);
  std::uint32_t first = ~0u;
  for (std::uint32_t lanes = V::bits(costs == V::least(costs)); lanes != 0; lanes &= lanes - 1) {
    const auto lane = static_cast<std::uint32_t>(__builtin_ctz(lanes));
    const std::uint32_t place =
        static_cast<std::uint32_t>(candidates_at_once) * static_cast<std::uint32_t>(round_of[lane]) + lane;
    first = place < first ? place : first;
  }
  return first;
}

// As nearest_candidate of blocks_points.hpp, for costs that are finite. `values` are those of the levels, by level, and
// for two bits twice in a row.
template <class V, unsigned bits>
HEIRLOOM_INLINE std::uint32_t nearest_in_lanes(const PointTable& table, PointEntry entry,
                                               const SpreadPoint<V, bits>& point, float scale, typename V::F values) {
  static_assert(V::lanes == candidates_at_once);
  const auto scaled_values = V::all(scale) * values;
  typename V::Table costs[weights_of_point<bits>];
  for (std::size_t i = 0; i < weights_of_point<bits>; ++i) {
    const auto difference = scaled_values - point.x[i];
    costs[i] = table_of<V, bits>(point.weights[i] * difference * difference);
  }
  const std::uint16_t* candidates = table.candidates + candidates_at_once * entry.first;
  auto least = costs_of<V, bits>(costs, candidates);
  if (entry.eights == 1)
    return candidates[__builtin_ctz(V::bits(least == V::least(least)))];
  auto sum = costs_of<V, bits>(costs, candidates + candidates_at_once);
  if (entry.eights == 2)
    return candidates[first_of_two<V>(least, sum)];
  auto rounds = V::all(0);
  for (std::int32_t j = 1;;) {
    rounds = V::select(sum < least, V::all(j), rounds);
    least = V::min(sum, least);
    if (++j == entry.eights)
      return candidates[first_of_all<V>(least, rounds)];
    sum = costs_of<V, bits>(costs, candidates + candidates_at_once * static_cast<std::size_t>(j));
  }
}

}  // namespace heirloom::kernels::simd
