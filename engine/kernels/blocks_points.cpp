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

constexpr std::size_t max_grid = 2048;

unsigned least_above(unsigned limit, const std::uint8_t* distances, std::size_t n) {
  std::uint8_t least = UINT8_MAX;  // distance beyond the next one; those up to the limit wrap around
  for (std::size_t j = 0; j < n; ++j) {
    const auto beyond = static_cast<std::uint8_t>(distances[j] - limit - 1);
    least = beyond < least ? beyond : least;
  }
  return limit + 1 + least;
}

// May be true where it is not, never false where it is.
bool has_byte(std::uint64_t bytes, unsigned value) {
  constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
  const std::uint64_t difference = bytes ^ ones * value;
  return ((difference - ones) & ~difference & ones << 7) != 0;
}

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

  // The points at the few least distances, in order of distance and then of index.
  void list(const Source& source, std::size_t key, const HalfDistances<bits>& distances) {
    const std::uint8_t* low = distances.of[key % half_codes<bits>];
    const std::uint8_t* high = distances.of[key / half_codes<bits>];
    std::uint8_t distance[max_grid];
    for (std::size_t j = 0; j < source.size; ++j)
      distance[j] = static_cast<std::uint8_t>(low[low_[j]] + high[high_[j]]);
    std::uint16_t* candidates = candidates_ + candidates_at_once * used_;
    std::size_t total = 0;
    unsigned wanted = 0;  // the distance of no point, for the code is not on the grid
    for (unsigned found = 0; found < source.nearest; ++found) {
      wanted = least_above(wanted, distance, source.size);
      for (std::size_t j = 0; j < source.size; j += 8)
        if (has_byte(load_u64(distance + j), wanted))
          for (std::size_t i = j; i < j + 8; ++i)
            if (distance[i] == wanted)
              candidates[total++] = source.grid[i];
    }
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
  std::uint8_t low_[max_grid], high_[max_grid];
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
