// The borders between the three levels of iq1, eight groups at once, a group to a lane: a lane sorts its weights by
// counting, for each, those that come before it, and tries all pairs of borders in the reference's order. See
// blocks_iq1.cpp for what is computed and lanes_avx2.hpp for V, which has eight lanes.
#pragma once

#include "engine/kernels/blocks_iq1_formats.hpp"
#include "engine/kernels/simd/groups.hpp"
#include "engine/kernels/simd/symmetric.hpp"

namespace heirloom::kernels::simd {

// The best pair of borders so far, and of shifts: those of shifted_levels, first the first half's.
template <class V>
struct Borders {
  typename V::F scale, score;
  typename V::I low, high, shifts;
};

template <class V>
HEIRLOOM_INLINE typename V::M is_better(typename V::F xq, typename V::F qq, const Borders<V>& best) {
  return xq * xq > best.score * qq;
}

template <class V>
HEIRLOOM_INLINE void take_better(typename V::F xq, typename V::F qq, std::int32_t low, std::int32_t high,
                                 std::int32_t shifts, Borders<V>& best) {
  const auto better = is_better<V>(xq, qq, best) & (qq > V::all(0.0f));
  const auto scale = xq / qq;
  best.scale = V::select(better, scale, best.scale);
  best.score = V::select(better, scale * xq, best.score);
  best.low = V::select(better, V::all(low), best.low);
  best.high = V::select(better, V::all(high), best.high);
  best.shifts = V::select(better, V::all(shifts), best.shifts);
}

// Eight groups of n. ranks: the place of each weight among the sorted ones; equal ones keep their order.
template <class V, std::size_t n>
struct Iq1Lanes {
  typename V::F x[n], weights[n];
  typename V::I ranks[n];

  void load(const float* numbers, const float* their_weights) {
    load_groups<V>(numbers, n, x);
    load_groups<V>(their_weights, n, weights);
    for (std::size_t i = 0; i < n; ++i) ranks[i] = V::all(static_cast<std::int32_t>(n - 1 - i));
    for (std::size_t j = 1; j < n; ++j)
      for (std::size_t i = 0; i < j; ++i) {
        const auto minus_before = V::ones(x[i] <= x[j]);
        ranks[j] = ranks[j] - minus_before;
        ranks[i] = ranks[i] + minus_before;
      }
  }

  typename V::F largest() const {
    auto most = V::abs(x[0]);
    for (std::size_t i = 1; i < n; ++i) most = V::max(V::abs(x[i]), most);
    return most;
  }
};

// Running sums of products and weights in sorted order, from zero on, of each part of the group: a weight of another
// part adds zero, which changes no sum that starts from zero.
template <class V, std::size_t n>
struct RunningSums {
  typename V::F x[n + 1], w[n + 1];
};

template <class V, std::size_t n, std::size_t parts>
static inline void sum_sorted(const Iq1Lanes<V, n>& groups, RunningSums<V, n>* sums) {
  float products[parts][n][V::lanes];
  float weights[parts][n][V::lanes];
  for (std::size_t j = 0; parts > 1 && j < parts * n; ++j) {
    V::store(products[j / n][j % n], V::all(0.0f));
    V::store(weights[j / n][j % n], V::all(0.0f));
  }
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t part = i * parts / n;
    std::int32_t places[V::lanes];
    float product[V::lanes], weight[V::lanes];
    V::store(places, groups.ranks[i]);
    V::store(product, groups.weights[i] * groups.x[i]);
    V::store(weight, groups.weights[i]);
    for (std::size_t g = 0; g < V::lanes; ++g) {
      products[part][places[g]][g] = product[g];
      weights[part][places[g]][g] = weight[g];
    }
  }
  for (std::size_t part = 0; part < parts; ++part) {
    sums[part].x[0] = V::all(0.0f);
    sums[part].w[0] = V::all(0.0f);
    for (std::size_t j = 0; j < n; ++j) {
      sums[part].x[j + 1] = sums[part].x[j] + V::load(products[part][j]);
      sums[part].w[j + 1] = sums[part].w[j] + V::load(weights[part][j]);
    }
  }
}

// iq1_s: the sums of a pair of borders, shifted up and down.
template <class V>
struct Iq1SPairs {
  static constexpr std::size_t n = iq1_s_group;
  static constexpr std::size_t part = n;
  using F = typename V::F;

  RunningSums<V, n> sums;
  F above_x[2][n + 1], above_w[2][n + 1];  // terms of the highest level, by the upper border
  F below_x[2], below_w[2];                // of the lowest

  explicit Iq1SPairs(const Iq1Lanes<V, n>& groups) {
    sum_sorted<V, n, 1>(groups, &sums);
    for (std::size_t shift = 0; shift < 2; ++shift) {
      const F q = V::all(shifted_levels[shift][2]);
      for (std::size_t high = 0; high <= n; ++high) {
        above_x[shift][high] = (sums.x[n] - sums.x[high]) * q;
        above_w[shift][high] = (sums.w[n] - sums.w[high]) * q * q;
      }
    }
  }

  F total_weight() const { return sums.w[n]; }

  void set_low(std::size_t low) {
    for (std::size_t shift = 0; shift < 2; ++shift) {
      const F q = V::all(shifted_levels[shift][0]);
      below_x[shift] = sums.x[low] * q;
      below_w[shift] = sums.w[low] * q * q;
    }
  }

  // The middle levels of the two shifts differ in their sign alone.
  [[gnu::always_inline]] static inline void try_pair(const Iq1SPairs& pairs, std::size_t low, std::size_t high,
                                                     Borders<V>& best) {
    const F middle = V::all(shifted_levels[0][1]);
    const F between_x = (pairs.sums.x[high] - pairs.sums.x[low]) * middle;
    const F between_w = (pairs.sums.w[high] - pairs.sums.w[low]) * middle * middle;
    const F xq[2] = {pairs.below_x[0] + between_x + pairs.above_x[0][high],
                     pairs.below_x[1] - between_x + pairs.above_x[1][high]};
    const F qq[2] = {pairs.below_w[0] + between_w + pairs.above_w[0][high],
                     pairs.below_w[1] + between_w + pairs.above_w[1][high]};
    if (!V::any(is_better<V>(xq[0], qq[0], best) | is_better<V>(xq[1], qq[1], best)))
      return;
    for (std::size_t shift = 0; shift < 2; ++shift)
      take_better<V>(xq[shift], qq[shift], static_cast<std::int32_t>(low), static_cast<std::int32_t>(high),
                     static_cast<std::int32_t>(shift), best);
  }
};

// iq1_m: the same of the two halves, each shifted up or down.
template <class V>
struct Iq1MPairs {
  static constexpr std::size_t n = iq1_m_group;
  static constexpr std::size_t part = n / 2;
  using F = typename V::F;

  RunningSums<V, n> sums[2];
  F total_x[2][2], below_w[2][2], total_w[2][2];  // by half and shift
  F above_w[2][2][n + 1];

  explicit Iq1MPairs(const Iq1Lanes<V, n>& groups) {
    sum_sorted<V, n, 2>(groups, sums);
    for (std::size_t half = 0; half < 2; ++half)
      for (std::size_t shift = 0; shift < 2; ++shift) {
        const float* q = shifted_levels[shift];
        const F second = V::all(q[1] * q[1] - q[2] * q[2]);
        total_x[half][shift] = sums[half].x[n] * V::all(q[2]);
        total_w[half][shift] = sums[half].w[n] * V::all(q[2]) * V::all(q[2]);
        for (std::size_t high = 0; high <= n; ++high) above_w[half][shift][high] = second * sums[half].w[high];
      }
  }

  F total_weight() const { return sums[0].w[n] + sums[1].w[n]; }

  void set_low(std::size_t low) {
    for (std::size_t half = 0; half < 2; ++half)
      for (std::size_t shift = 0; shift < 2; ++shift) {
        const float* q = shifted_levels[shift];
        const F first = V::all(q[0] * q[0] - q[1] * q[1]);
        below_w[half][shift] = first * sums[half].w[low] + total_w[half][shift];
      }
  }

  [[gnu::always_inline]] static inline void try_pair(const Iq1MPairs& pairs, std::size_t low, std::size_t high,
                                                     Borders<V>& best) {
    F half_xq[2][2], half_qq[2][2];
    for (std::size_t half = 0; half < 2; ++half) {
      const F both = pairs.sums[half].x[high] + pairs.sums[half].x[low];
      for (std::size_t shift = 0; shift < 2; ++shift) {
        half_xq[half][shift] = pairs.total_x[half][shift] - both;
        half_qq[half][shift] = pairs.above_w[half][shift][high] + pairs.below_w[half][shift];
      }
    }
    F xq[4], qq[4];
    for (std::size_t k = 0; k < 4; ++k) {
      xq[k] = half_xq[0][k >> 1] + half_xq[1][k & 1];
      qq[k] = half_qq[0][k >> 1] + half_qq[1][k & 1];
    }
    if (!V::any(is_better<V>(xq[0], qq[0], best) | is_better<V>(xq[1], qq[1], best) | is_better<V>(xq[2], qq[2], best) |
                is_better<V>(xq[3], qq[3], best)))
      return;
    for (std::size_t k = 0; k < 4; ++k)
      take_better<V>(xq[k], qq[k], static_cast<std::int32_t>(low), static_cast<std::int32_t>(high),
                     static_cast<std::int32_t>(k >> 1 | (k & 1) << 1), best);
  }
};

// Borders four apart, tried first, give a score that the best one reaches. From a threshold this much below it the
// trials in the reference's order seldom find a better pair, and end with the same one. Scores are compared with a
// relative error below 2^-21; while that holds, two states that differ become one at the next score clearly above both.
// They could only stay apart by a chain of scores from the threshold to the best one, each within a few 2^-21 of the
// one before, and for that there are not enough pairs.
constexpr float threshold_share = 0.99f;

// Whether nothing overflows or loses digits by being small. A sum of w * q * q is between 1/64 and 1.3 of the total
// weight, and so the square of a sum of w * x * q is at least 1/64 of score * total, for scores above the threshold.
template <class V>
static inline typename V::M are_exact(typename V::F score, typename V::F total, typename V::F largest) {
  return (total * largest < V::all(1e15f)) & (score * total > V::all(1e-28f)) & (score > V::all(1e-28f));
}

template <class V, class Pairs>
static inline Borders<V> find_borders(Pairs& pairs, typename V::F largest) {
  const auto none = V::all(-1);
  const auto lowest = V::all(least_float);
  Borders<V> best{largest, lowest, none, none, V::all(0)};
  for (std::size_t low = 0; low <= Pairs::n; low += 4) {
    pairs.set_low(low);
    for (std::size_t high = low; high <= Pairs::n; high += 4) Pairs::try_pair(pairs, low, high, best);
  }
  const auto threshold =
      V::select(are_exact<V>(best.score, pairs.total_weight(), largest), best.score * V::all(threshold_share), lowest);
  best = {largest, threshold, none, none, V::all(0)};
  for (std::size_t low = 0; low <= Pairs::n; ++low) {
    pairs.set_low(low);
    for (std::size_t high = low; high <= Pairs::n; ++high) Pairs::try_pair(pairs, low, high, best);
  }
  return best;
}

}  // namespace heirloom::kernels::simd
