// For every combination of levels, the points of a grid that may stand for it: itself where it is one, else the nearest
// ones by distance between levels, as ggml lists them. A code packs the levels of a point, the first lowest: eight of
// two bits (0, 1, 2) or four of three, as in blocks_grids.hpp.
// Tables are made when first asked for, in some milliseconds, and stay as they are: any thread may ask.
#pragma once

#include "engine/kernels/element.hpp"

namespace heirloom::kernels {

constexpr std::size_t candidates_at_once = 8;

// On the grid: `eights` is 0 and `first` the point's index. Else the candidates are 8 * eights codes from 8 * first on,
// nearest first, equally near ones by index; the last may repeat.
struct PointEntry {
  std::uint16_t first;
  std::uint16_t eights;
};

struct PointTable {
  const PointEntry* entries;  // by key_of
  const std::uint16_t* candidates;
  const std::uint16_t* grid;  // codes by index
};

// The four levels of a byte as a number to base 3; a level 3 counts as 2.
struct Ternary {
  std::uint8_t of[256];
};
static constexpr Ternary make_ternary() {
  Ternary ternary{};
  for (unsigned code = 0; code < 256; ++code) {
    unsigned number = 0;
    for (unsigned i = 4; i-- > 0;) number = 3 * number + ((code >> 2 * i & 3) < 2 ? code >> 2 * i & 3 : 2);
    ternary.of[code] = static_cast<std::uint8_t>(number);
  }
  return ternary;
}
constexpr Ternary ternary = make_ternary();

template <unsigned bits>
static inline std::uint32_t key_of(std::uint32_t code) {
  static_assert(bits == 2 || bits == 3);
  return bits == 3 ? code : ternary.of[code & 255] + 81u * ternary.of[code >> 8];
}

const PointTable& iq2_xxs_points() noexcept;
const PointTable& iq2_xs_points() noexcept;
const PointTable& iq2_s_points() noexcept;
const PointTable& iq3_xxs_points() noexcept;
const PointTable& iq3_s_points() noexcept;
const PointTable& iq1_points() noexcept;

// The candidate nearest to x, the first of equally near ones: least sum of (w * d) * d in order, d = scale * value - x.
template <unsigned bits>
static inline std::uint32_t nearest_candidate(const PointTable& table, PointEntry entry, const float* x,
                                              const float* weights, float scale, const float* values) {
  constexpr std::size_t levels = bits == 2 ? 8 : 4;
  const std::uint16_t* candidates = table.candidates + candidates_at_once * entry.first;
  float least = 0x1.fffffep127f;
  std::uint32_t best = candidates[0];
  for (std::size_t j = 0; j < candidates_at_once * entry.eights; ++j) {
    float distance = 0.0f;
    for (std::size_t i = 0; i < levels; ++i) {
      const float difference = scale * values[candidates[j] >> bits * i & ((1 << bits) - 1)] - x[i];
      distance += weights[i] * difference * difference;
    }
    if (distance < least) {
      least = distance;
      best = candidates[j];
    }
  }
  return best;
}

}  // namespace heirloom::kernels
