#include "engine/kernels/blocks_points.hpp"

#include "engine/kernels/blocks_grids.hpp"

namespace heirloom::kernels {
namespace {

struct Source {
  const std::uint16_t* grid;
  std::size_t size;
  unsigned nearest;  // so many different distances count
};

// Points of eight levels of two bits, of which 3 are used, or of four levels of three bits.
template <unsigned bits>
constexpr unsigned used_levels = bits == 2 ? 3 : 8;
template <unsigned bits>
constexpr unsigned half_codes = bits == 2 ? 81 : 64;
template <unsigned bits>
constexpr unsigned half_levels = bits == 2 ? 4 : 2;

// Squared distances between halves of points, by their keys.
template <unsigned bits>
struct HalfDistances {
  std::uint8_t of[half_codes<bits>][half_codes<bits>];

  HalfDistances() {
    for (unsigned a = 0; a < half_codes<bits>; ++a)
      for (unsigned b = 0; b < half_codes<bits>; ++b) {
        unsigned sum = 0;
        for (unsigned i = 0, p = a, q = b; i < half_levels<bits>; ++i) {
          const int difference = static_cast<int>(p % used_levels<bits>) - static_cast<int>(q % used_levels<bits>);
          sum += static_cast<unsigned>(difference * difference);
          p /= used_levels<bits>;
          q /= used_levels<bits>;
        }
        of[a][b] = static_cast<std::uint8_t>(sum);
      }
  }
};

constexpr unsigned max_distance = 4 * 7 * 7;
constexpr std::size_t max_grid = 2048;

// `eights` is how many groups of eight candidates there are in all.
template <unsigned bits, std::size_t eights>
class Points {
 public:
  explicit Points(const Source& source) : table_{entries_, candidates_, source.grid} {
    for (std::size_t j = 0; j < source.size; ++j) {
      const std::uint32_t key = key_of<bits>(source.grid[j]);
      low_[j] = static_cast<std::uint8_t>(key % half_codes<bits>);
      high_[j] = static_cast<std::uint8_t>(key / half_codes<bits>);
      entries_[key] = {static_cast<std::uint16_t>(j), 0};
      is_on_grid_[key] = true;
    }
    const HalfDistances<bits> distances;
    for (std::size_t key = 0; key < codes; ++key)
      if (!is_on_grid_[key])
        list(source, key, distances);
  }
  const PointTable& table() const { return table_; }

 private:
  static constexpr std::size_t codes = std::size_t{half_codes<bits>} * half_codes<bits>;

  // Counting sort by distance, stable, of the points that count.
  void list(const Source& source, std::size_t key, const HalfDistances<bits>& distances) {
    const std::uint8_t* low = distances.of[key % half_codes<bits>];
    const std::uint8_t* high = distances.of[key / half_codes<bits>];
    std::uint16_t count[max_distance + 1] = {};
    for (std::size_t j = 0; j < source.size; ++j) {
      distance_[j] = static_cast<std::uint8_t>(low[low_[j]] + high[high_[j]]);
      ++count[distance_[j]];
    }
    std::uint16_t place[max_distance + 1];
    std::size_t total = 0;
    unsigned limit = 0;
    for (unsigned found = 0; found < source.nearest; ++limit) {
      place[limit] = static_cast<std::uint16_t>(total);
      total += count[limit];
      found += count[limit] != 0 ? 1 : 0;
    }
    std::uint16_t* candidates = candidates_ + candidates_at_once * used_;
    for (std::size_t j = 0; j < source.size; ++j)
      if (distance_[j] < limit)
        candidates[place[distance_[j]]++] = source.grid[j];
    const std::size_t groups = (total + candidates_at_once - 1) / candidates_at_once;
    for (std::size_t j = total; j < candidates_at_once * groups; ++j) candidates[j] = candidates[total - 1];
    entries_[key] = {static_cast<std::uint16_t>(used_), static_cast<std::uint16_t>(groups)};
    used_ += groups;
  }

  PointTable table_;
  PointEntry entries_[codes];
  std::uint16_t candidates_[candidates_at_once * eights];
  std::size_t used_ = 0;
  bool is_on_grid_[codes] = {};
  std::uint8_t low_[max_grid], high_[max_grid], distance_[max_grid];
};

}  // namespace

const PointTable& iq2_xxs_points() noexcept {
  static const Points<2, 16920> points({iq2_xxs_grid, 256, 2});
  return points.table();
}
const PointTable& iq2_xs_points() noexcept {
  static const Points<2, 25422> points({iq2_xs_grid, 512, 2});
  return points.table();
}
const PointTable& iq2_s_points() noexcept {
  static const Points<2, 8633> points({iq2_s_grid, 1024, 1});
  return points.table();
}
const PointTable& iq3_xxs_points() noexcept {
  static const Points<3, 4288> points({iq3_xxs_grid, 256, 2});
  return points.table();
}
const PointTable& iq3_s_points() noexcept {
  static const Points<3, 4557> points({iq3_s_grid, 512, 3});
  return points.table();
}
const PointTable& iq1_points() noexcept {
  static const Points<2, 42913> points({iq1_grid, 2048, 3});
  return points.table();
}

}  // namespace heirloom::kernels
