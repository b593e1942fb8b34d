#include "plugins/torch-dcp/boxes.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

namespace {

using heirloom::torch_dcp::Box;
using Numbers = std::vector<std::uint64_t>;

struct OwnedBox {
  Numbers offsets;
  Numbers sizes;
};

std::string tiling(const Numbers& shape, const std::vector<OwnedBox>& owned) {
  std::vector<Box> boxes;
  for (const OwnedBox& box : owned)
    boxes.push_back({box.offsets, box.sizes});
  const auto checked = heirloom::torch_dcp::check_tiling(shape, boxes);
  return checked ? "" : checked.error().message;
}

// Cuts a box in two at random, `cuts` times over.
std::vector<OwnedBox> cut_up(const Numbers& shape, int cuts, std::mt19937& dice) {
  std::vector<OwnedBox> boxes = {{Numbers(shape.size(), 0), shape}};
  for (int i = 0; i < cuts; ++i) {
    OwnedBox& box = boxes[dice() % boxes.size()];
    const std::size_t d = dice() % shape.size();
    if (box.sizes[d] < 2)
      continue;
    const std::uint64_t first = 1 + dice() % (box.sizes[d] - 1);
    OwnedBox rest = box;
    rest.offsets[d] += first;
    rest.sizes[d] -= first;
    box.sizes[d] = first;
    boxes.push_back(rest);
  }
  return boxes;
}

std::uint64_t product(const Numbers& sizes) {
  std::uint64_t count = 1;
  for (const std::uint64_t size : sizes)
    count *= size;
  return count;
}

}  // namespace

TEST_CASE("boxes that fill a tensor are accepted, however they are cut") {
  CHECK(tiling({}, {{{}, {}}}).empty());
  CHECK(tiling({4, 6}, {{{0, 0}, {4, 6}}}).empty());
  CHECK(tiling({4, 6}, {{{2, 0}, {2, 6}}, {{0, 0}, {2, 6}}}).empty());
  CHECK(tiling({4, 6}, {{{0, 0}, {1, 2}}, {{1, 0}, {3, 2}}, {{0, 2}, {3, 4}}, {{3, 2}, {1, 4}}}).empty());
  CHECK(tiling({3, 3}, {{{0, 0}, {1, 2}}, {{0, 2}, {2, 1}}, {{2, 1}, {1, 2}}, {{1, 0}, {2, 1}}, {{1, 1}, {1, 1}}}).empty());
  std::mt19937 dice(5);
  for (int round = 0; round < 200; ++round)
    CHECK(tiling({7, 5, 6}, cut_up({7, 5, 6}, 20, dice)).empty());
}

TEST_CASE("a missing box is a hole, and a box too many an overlap, wherever it is") {
  std::mt19937 dice(6);
  for (int round = 0; round < 200; ++round) {
    std::vector<OwnedBox> boxes = cut_up({7, 5, 6}, 12, dice);
    const OwnedBox box = boxes[dice() % boxes.size()];
    boxes.push_back(box);
    CHECK(tiling({7, 5, 6}, boxes).find("overlap") != std::string::npos);
    std::erase_if(boxes, [&](const OwnedBox& each) { return each.offsets == box.offsets; });
    CHECK(tiling({7, 5, 6}, boxes).find("hole") != std::string::npos);
  }
  CHECK(tiling({4}, {{{0}, {2}}}) == "no chunk covers the element at [2]: a hole");
  CHECK(tiling({4}, {{{0}, {3}}, {{2}, {2}}}) == "two chunks cover the element at [2]: an overlap");
  CHECK(tiling({}, {{{}, {}}, {{}, {}}}).find("overlap") != std::string::npos);
  CHECK(tiling({2}, {}).find("hole") != std::string::npos);
}

TEST_CASE("a hundred thousand boxes are checked in one go") {
  std::vector<OwnedBox> rows, tiles;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    rows.push_back({{i, 0}, {1, 8}});
    tiles.push_back({{i / 400, i % 400}, {1, 1}});
  }
  CHECK(tiling({100'000, 8}, rows).empty());
  CHECK(tiling({250, 400}, tiles).empty());
}

TEST_CASE("boxes that would take forever to check are refused") {
  std::vector<OwnedBox> boxes;  // each begins one row later and all go to the end: n * n / 2 of them in slabs
  for (std::uint64_t i = 0; i < 20'000; ++i)
    boxes.push_back({{i, i}, {20'000 - i, 1}});
  CHECK(tiling({20'000, 20'000}, boxes).find("hole") != std::string::npos);
  for (std::uint64_t i = 1; i < 20'000; ++i)
    boxes.push_back({{0, i}, {i, 1}});
  CHECK(tiling({20'000, 20'000}, boxes).find("too long") != std::string::npos);
}

TEST_CASE("a run of the tensor is a run of each box") {
  std::mt19937 dice(7);
  for (int round = 0; round < 100; ++round) {
    const Numbers shape = {1 + dice() % 5, 1 + dice() % 4, 1 + dice() % 6};
    for (const OwnedBox& owned : cut_up(shape, 6, dice)) {
      const Box box{owned.offsets, owned.sizes};
      const heirloom::torch_dcp::Runs runs(shape, box);
      std::uint64_t rank = 0;
      for (std::uint64_t index = 0; index < product(shape); ++index) {
        CHECK(heirloom::torch_dcp::rank_in_box(shape, box, index) == rank);
        if (rank < product(owned.sizes) && runs.place(rank) == index)
          ++rank;
      }
      CHECK(rank == product(owned.sizes));
      CHECK(heirloom::torch_dcp::rank_in_box(shape, box, product(shape)) == rank);
      CHECK(runs.place(0) == heirloom::torch_dcp::first_element(shape, box));
      CHECK(runs.place(rank - 1) + 1 == heirloom::torch_dcp::end_element(shape, box));
      CHECK(product(owned.sizes) % runs.length() == 0);
    }
  }
}
