// Encoding of iq1 in portable code.
#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_iq1_formats.hpp"

namespace heirloom::kernels {
namespace {

float magnitude_limit(const float* x, std::size_t n) {
  float largest = magnitude_of(x[0]);
  for (std::size_t i = 1; i < n; ++i) largest = largest > magnitude_of(x[i]) ? largest : magnitude_of(x[i]);
  return largest;
}

void weigh_iq1(const float* x, const float* importance, float* weights) {
  const float variance = 2.0f * sum_of_squares(x, super_elements) / static_cast<float>(super_elements);
  if (importance != nullptr)
    weigh(x, importance, variance, super_elements, weights);
  else
    for (std::size_t i = 0; i < super_elements; ++i) weights[i] = x[i] * x[i];
}

// order[j]: the place of the j-th smallest number; equal numbers keep their order.
void sort_places(const float* x, std::size_t n, std::uint8_t* order) {
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t j = i;
    for (; j > 0 && x[i] < x[order[j - 1]]; --j) order[j] = order[j - 1];
    order[j] = static_cast<std::uint8_t>(i);
  }
}

// The best borders: sorted weights below `low` are -1, those from `high` on 1. Bit k of `shifts` is 1 where the k-th
// part of the group (iq1_s: one, iq1_m: two halves) is shifted down.
struct Split {
  float scale;
  float score;
  int low, high;  // negative: none was found
  unsigned shifts;
};

void take_if_better(float xq, float qq, int low, int high, unsigned shifts, Split& best) {
  if (!(qq > 0.0f && xq * xq > best.score * qq))
    return;
  const float scale = xq / qq;
  best = {scale, scale * xq, low, high, shifts};
}

// The levels of the split, mirrored where its scale is negative; then points are moved to the grid.
template <std::size_t n, std::size_t part>
Iq1Group place_split(const PointTable& table, const float* x, const float* weights, const std::uint8_t* order,
                     const Split& split) {
  constexpr std::size_t points = n / 8;
  const bool is_mirrored = split.scale < 0.0f;
  std::uint32_t codes[points] = {};
  for (std::size_t j = 0; j < n; ++j) {
    const auto place = static_cast<int>(j);
    const unsigned level = place < split.low ? 0 : place < split.high ? 1 : 2;
    codes[order[j] / 8] |= (is_mirrored ? 2 - level : level) << order[j] % 8 * 2;
  }
  Iq1Group group{is_mirrored ? -split.scale : split.scale, split.shifts, {}};
  if (is_mirrored)
    group.shifts ^= (1u << n / part) - 1;
  bool is_on_grid = true;
  for (std::size_t k = 0; k < points; ++k) {
    const float* values = shifted_levels[group.shifts >> (8 * k / part) & 1];
    PointEntry entry = table.entries[key_of<2>(codes[k])];
    if (entry.eights != 0) {
      is_on_grid = false;
      codes[k] = nearest_candidate<2>(table, entry, x + 8 * k, weights + 8 * k, group.scale, values);
      entry = table.entries[key_of<2>(codes[k])];
    }
    group.indices[k] = entry.first;
  }
  if (is_on_grid)
    return group;
  float xq = 0.0f, qq = 0.0f;
  for (std::size_t i = 0; i < n; ++i) {
    const float q = shifted_levels[group.shifts >> (i / part) & 1][codes[i / 8] >> i % 8 * 2 & 3];
    xq += weights[i] * q * x[i];
    qq += weights[i] * q * q;
  }
  if (xq > 0.0f && qq > 0.0f)
    group.scale = xq / qq;
  return group;
}

// Sums before a border are differences of running sums.
Split split_iq1_s(const float* x, const float* weights, const std::uint8_t* order, float largest) {
  constexpr int n = iq1_s_group;
  float sum_x[n + 1] = {};
  float sum_w[n + 1] = {};
  for (std::size_t j = 0; j < n; ++j) {
    sum_x[j + 1] = sum_x[j] + weights[order[j]] * x[order[j]];
    sum_w[j + 1] = sum_w[j] + weights[order[j]];
  }
  Split best{largest, least_float, -1, -1, 0};
  for (int low = 0; low <= n; ++low)
    for (int high = low; high <= n; ++high)
      for (unsigned shift = 0; shift < 2; ++shift) {
        const float* q = shifted_levels[shift];
        const float xq =
            (sum_x[low] - sum_x[0]) * q[0] + (sum_x[high] - sum_x[low]) * q[1] + (sum_x[n] - sum_x[high]) * q[2];
        const float qq = (sum_w[low] - sum_w[0]) * q[0] * q[0] + (sum_w[high] - sum_w[low]) * q[1] * q[1] +
                         (sum_w[n] - sum_w[high]) * q[2] * q[2];
        take_if_better(xq, qq, low, high, shift, best);
      }
  return best;
}

// Running sums of one half of the group, over the sorted weights of both: a weight of the other half adds nothing.
struct HalfSums {
  float x[iq1_m_group + 1] = {};
  float w[iq1_m_group + 1] = {};
};

// Levels differ by one, so that only totals are multiplied: with q the lowest to highest level,
// sum of xq = total * q2 - (below low + below high).
struct HalfTerms {
  float xq[2], qq[2];  // shifted up and down
};

HalfTerms terms_of(const HalfSums& sums, int low, int high) {
  HalfTerms terms;
  for (std::size_t shift = 0; shift < 2; ++shift) {
    const float* q = shifted_levels[shift];
    const float first = q[0] * q[0] - q[1] * q[1];
    const float second = q[1] * q[1] - q[2] * q[2];
    terms.xq[shift] = sums.x[iq1_m_group] * q[2] - (sums.x[high] + sums.x[low]);
    terms.qq[shift] = second * sums.w[high] + (first * sums.w[low] + sums.w[iq1_m_group] * q[2] * q[2]);
  }
  return terms;
}

Split split_iq1_m(const float* x, const float* weights, const std::uint8_t* order, float largest) {
  constexpr int n = iq1_m_group;
  HalfSums halves[2];
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t half = 0; half < 2; ++half) {
      const std::size_t i = order[j];
      const bool is_here = i / 8 == half;
      halves[half].x[j + 1] = is_here ? halves[half].x[j] + weights[i] * x[i] : halves[half].x[j];
      halves[half].w[j + 1] = is_here ? halves[half].w[j] + weights[i] : halves[half].w[j];
    }
  Split best{largest, least_float, -1, -1, 0};
  for (int low = 0; low <= n; ++low)
    for (int high = low; high <= n; ++high) {
      const HalfTerms first = terms_of(halves[0], low, high);
      const HalfTerms second = terms_of(halves[1], low, high);
      for (unsigned k = 0; k < 4; ++k)
        take_if_better(first.xq[k >> 1] + second.xq[k & 1], first.qq[k >> 1] + second.qq[k & 1], low, high,
                       k >> 1 | (k & 1) << 1, best);
    }
  return best;
}

template <std::size_t n, std::size_t part, auto split>
void find_groups(const PointTable& table, const float* x, float smallest, Iq1Block& block) {
  for (std::size_t g = 0; g < super_elements / n; ++g) {
    Iq1Group& group = block.groups[g];
    group = {0.0f, 0, {}};
    const float largest = magnitude_limit(x + n * g, n);
    if (largest < smallest)
      continue;
    std::uint8_t order[n];
    sort_places(x + n * g, n, order);
    const Split best = split(x + n * g, block.weights + n * g, order, largest);
    if (best.low >= 0)
      group = place_split<n, part>(table, x + n * g, block.weights + n * g, order, best);
  }
}

void encode_iq1_s_block(const float* x, const float* importance, std::uint8_t* dst) {
  Iq1Block block;
  weigh_iq1(x, importance, block.weights);
  find_groups<iq1_s_group, iq1_s_group, split_iq1_s>(iq1_points(), x, 1e-12f, block);
  put_iq1_s(block, dst);
}

void encode_iq1_m_block(const float* x, const float* importance, std::uint8_t* dst) {
  Iq1Block block;
  weigh_iq1(x, importance, block.weights);
  find_groups<iq1_m_group, iq1_m_group / 2, split_iq1_m>(iq1_points(), x, 1e-7f, block);
  put_iq1_m(iq1_points(), x, block, dst);
}

}  // namespace

void encode_weighted_iq1_s(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each_weighted<super_elements, 50>(src, importance, dst, n, encode_iq1_s_block);
}
void encode_iq1_m(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<super_elements, 56>(src, dst, n,
                                  [](const float* x, std::uint8_t* block) { encode_iq1_m_block(x, nullptr, block); });
}
void encode_weighted_iq1_m(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each_weighted<super_elements, 56>(src, importance, dst, n, encode_iq1_m_block);
}

}  // namespace heirloom::kernels
