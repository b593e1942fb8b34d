// The grid encodings: which points stand for which levels, and rows that search them where points are equally near.
#include "engine/kernels/blocks_points.hpp"

#include "blocks_support.hpp"

#include <algorithm>
#include <random>
#include <string_view>
#include <utility>

namespace {

using namespace heirloom::kernels;
using test::Bytes;
using test::encoded;
using test::Encoding;
using test::encodings;

struct Grid {
  const char* name;
  const PointTable& (*table)() noexcept;
  std::size_t size;
  unsigned bits;
  unsigned nearest;  // so many different distances count
};

constexpr std::array grids{
    Grid{"iq2_xxs", iq2_xxs_points, 256, 2, 2}, Grid{"iq2_xs", iq2_xs_points, 512, 2, 2},
    Grid{"iq2_s", iq2_s_points, 1024, 2, 1},    Grid{"iq3_xxs", iq3_xxs_points, 256, 3, 2},
    Grid{"iq3_s", iq3_s_points, 512, 3, 3},     Grid{"iq1", iq1_points, 2048, 2, 3},
};

std::uint32_t key(const Grid& grid, std::uint32_t code) { return grid.bits == 2 ? key_of<2>(code) : key_of<3>(code); }

int distance(const Grid& grid, std::uint32_t a, std::uint32_t b) {
  int sum = 0;
  for (unsigned at = 0; at < (grid.bits == 2 ? 16u : 12u); at += grid.bits) {
    const unsigned mask = (1u << grid.bits) - 1;
    const int difference = static_cast<int>(a >> at & mask) - static_cast<int>(b >> at & mask);
    sum += difference * difference;
  }
  return sum;
}

// Codes of the points at the few least distances, by distance and index.
std::vector<std::uint16_t> nearest_points(const Grid& grid, std::uint32_t code) {
  std::vector<std::pair<int, std::size_t>> sorted;
  for (std::size_t j = 0; j < grid.size; ++j) sorted.emplace_back(distance(grid, code, grid.table().grid[j]), j);
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::uint16_t> points;
  unsigned distances = 0;
  int last = -1;
  for (const auto& [d, j] : sorted) {
    distances += d != last ? 1 : 0;
    if (distances > grid.nearest)
      break;
    last = d;
    points.push_back(grid.table().grid[j]);
  }
  return points;
}

bool has_only_levels_of(const Grid& grid, std::uint32_t code) {
  return grid.bits == 3 || (code & code >> 1 & 0x5555) == 0;
}

}  // namespace

TEST_CASE("what stands for a combination of levels is the point itself, or the nearest ones in order") {
  for (const Grid& grid : grids) {
    CAPTURE(grid.name);
    const PointTable& table = grid.table();
    std::size_t on_grid = 0, different = 0;
    for (std::uint32_t code = 0; code < (grid.bits == 2 ? 1u << 16 : 1u << 12); ++code) {
      if (!has_only_levels_of(grid, code) || (grid.bits == 2 && code % 7 != 0 && grid.size > 1024))
        continue;
      const PointEntry entry = table.entries[key(grid, code)];
      if (entry.eights == 0) {
        ++on_grid;
        different += table.grid[entry.first] != code ? 1u : 0u;
        continue;
      }
      std::vector<std::uint16_t> expected = nearest_points(grid, code);
      while (expected.size() % candidates_at_once != 0) expected.push_back(expected.back());
      const std::uint16_t* found = table.candidates + candidates_at_once * entry.first;
      const bool is_same =
          std::equal(expected.begin(), expected.end(), found, found + candidates_at_once * entry.eights);
      different += is_same ? 0u : 1u;
    }
    CHECK(different == 0);
    CHECK((on_grid == grid.size || grid.size > 1024));
  }
}

TEST_CASE("rows take the first of equally near points as the scalar row") {
  std::mt19937_64 random(51);
  for (const Encoding& encoding : encodings) {
    const std::string_view name = encoding.name;
    if (!name.starts_with("iq1") && !name.starts_with("iq2") && !name.starts_with("iq3"))
      continue;
    for (int round = 0; round < 30; ++round) {
      // Weights that do not count, numbers that are alike, groups of nothing: all of them make candidates equal.
      std::vector<float> input(9 * encoding.elements), importance(input.size());
      for (std::size_t i = 0; i < input.size(); ++i) {
        const float number = static_cast<float>(random() % 9) - 4.0f;
        input[i] = round % 3 == 0 && i / 16 % 3 == 0 ? 0.0f : round % 2 == 0 ? number : number * 0.1f;
        importance[i] = random() % 4 < static_cast<unsigned>(round % 4) ? 0.0f : static_cast<float>(1 + random() % 2);
      }
      const Bytes expected = encoded(scalar_kernels, encoding, input, importance);
      for (const Kernels* row : supported()) {
        CAPTURE(row->name);
        CAPTURE(name);
        CAPTURE(round);
        CHECK(encoded(*row, encoding, input, importance) == expected);
      }
    }
  }
}
