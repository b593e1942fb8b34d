#include "plugins/common/torch/strided.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>

using namespace heirloom;
using heirloom::torch::View;

namespace {

// The elements one by one, as the definition of strides says.
std::vector<std::uint8_t> one_by_one(const View& view, const std::vector<std::uint8_t>& storage) {
  std::vector<std::uint8_t> out;
  std::vector<std::uint64_t> at(view.shape.size(), 0);
  for (std::uint64_t i = 0; i < view.elements(); ++i) {
    std::uint64_t element = view.offset;
    for (std::size_t d = 0; d < at.size(); ++d)
      element += at[d] * view.strides[d];
    const auto begin = storage.begin() + static_cast<std::ptrdiff_t>(element * view.dtype->bytes);
    out.insert(out.end(), begin, begin + view.dtype->bytes);
    for (std::size_t d = at.size(); d-- > 0 && ++at[d] == view.shape[d];)
      at[d] = 0;
  }
  return out;
}

std::vector<std::uint8_t> numbered(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::uint8_t>(i * 131 + (i >> 8));
  return bytes;
}

torch::ReadStorage reader_of(const std::vector<std::uint8_t>& storage, std::uint64_t& largest) {
  return [&](std::uint64_t offset, std::span<std::uint8_t> out) -> Result<void> {
    if (offset > storage.size() || out.size() > storage.size() - offset)
      return fail(Code::internal, "a read past the end of the storage");
    std::memcpy(out.data(), storage.data() + offset, out.size());
    largest = std::max<std::uint64_t>(largest, out.size());
    return {};
  };
}

}  // namespace

TEST_CASE("any view reads in any piece as the definition of strides says") {
  std::mt19937 random(20260801);
  MESSAGE("seed 20260801");
  const auto below = [&](std::uint32_t bound) { return static_cast<std::uint64_t>(random() % bound); };
  for (int round = 0; round < 500; ++round) {
    View view;
    view.dtype = torch::find_dtype(std::vector{"uint8", "float16", "float32", "float64", "complex128"}[below(5)]);
    std::uint64_t reach = 1;
    for (std::uint64_t d = below(5); d > 0; --d) {
      view.shape.push_back(1 + below(6));
      view.strides.push_back(below(20));
      reach += (view.shape.back() - 1) * view.strides.back();
    }
    view.offset = below(7);
    const auto storage = numbered((view.offset + reach) * view.dtype->bytes);
    const auto whole = one_by_one(view, storage);
    std::uint64_t largest = 0;
    for (int piece = 0; piece < 8; ++piece) {
      const std::uint64_t begin = below(static_cast<std::uint32_t>(whole.size()) + 1);
      const std::uint64_t size = piece == 0 ? whole.size() - begin : below(static_cast<std::uint32_t>(whole.size() - begin) + 1);
      std::vector<std::uint8_t> out(size);
      REQUIRE(torch::read_view(reader_of(storage, largest), view, false, begin, out).has_value());
      CHECK(std::equal(out.begin(), out.end(), whole.begin() + static_cast<std::ptrdiff_t>(begin)));
    }
  }
}

TEST_CASE("a large transposed matrix is gathered through windows of a few megabytes") {
  constexpr std::uint64_t rows = 3001, columns = 1501;
  const View view{torch::find_dtype("float32"), {columns, rows}, {1, columns}, 0, 0};
  const auto storage = numbered(rows * columns * 4);
  std::vector<std::uint8_t> out(storage.size());
  std::uint64_t largest = 0;
  REQUIRE(torch::read_view(reader_of(storage, largest), view, false, 0, out).has_value());
  CHECK(largest <= 4u << 20);
  CHECK(out == one_by_one(view, storage));
}

TEST_CASE("numbers are turned round one by one, the two of a complex number each") {
  const View view{torch::find_dtype("complex64"), {2}, {1}, 0, 0};
  const std::vector<std::uint8_t> storage = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  std::vector<std::uint8_t> out(16);
  std::uint64_t largest = 0;
  REQUIRE(torch::read_view(reader_of(storage, largest), view, true, 0, out).has_value());
  CHECK(out == std::vector<std::uint8_t>{3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12});
}

TEST_CASE("a read past the end of a tensor is refused") {
  const View view{torch::find_dtype("float32"), {2}, {1}, 0, 0};
  const std::vector<std::uint8_t> storage(8);
  std::uint64_t largest = 0;
  std::vector<std::uint8_t> out(5);
  CHECK_FALSE(torch::read_view(reader_of(storage, largest), view, false, 4, out).has_value());
}
