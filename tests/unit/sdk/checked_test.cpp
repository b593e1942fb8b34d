#include "heirloom/checked.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace std::string_view_literals;

namespace checked = heirloom::checked;

TEST_CASE("checked arithmetic gives the value where it fits and an error where it does not") {
  constexpr std::uint64_t top = UINT64_MAX;
  CHECK(checked::add(2, 3).value() == 5);
  CHECK(checked::add(top, 0).value() == top);
  CHECK_FALSE(checked::add(top, 1));
  CHECK(checked::sub(3, 3).value() == 0);
  CHECK_FALSE(checked::sub(3, 4));
  CHECK(checked::mul(top, 1).value() == top);
  CHECK_FALSE(checked::mul(1ull << 32, 1ull << 32));
  CHECK(checked::to_u32(0xffff'ffff).value() == 0xffff'ffff);
  CHECK_FALSE(checked::to_u32(0x1'0000'0000));
}

TEST_CASE("a scalar has one element and an empty dimension none") {
  CHECK(checked::product({}).value() == 1);
  CHECK(checked::product(std::array<std::uint64_t, 3>{4, 0, 7}).value() == 0);
  CHECK_FALSE(checked::product(std::array<std::uint64_t, 2>{1ull << 40, 1ull << 40}));
}

TEST_CASE("align_up rounds to the next multiple and refuses to wrap around") {
  CHECK(checked::align_up(0, 32).value() == 0);
  CHECK(checked::align_up(1, 32).value() == 32);
  CHECK(checked::align_up(32, 32).value() == 32);
  CHECK_FALSE(checked::align_up(UINT64_MAX - 3, 32));
}

TEST_CASE("tensor_bytes counts whole blocks only") {
  CHECK(checked::tensor_bytes(std::array<std::uint64_t, 2>{3, 64}, 32, 34).value() == 6 * 34);
  CHECK(checked::tensor_bytes({}, 1, 4).value() == 4);
  CHECK_FALSE(checked::tensor_bytes(std::array<std::uint64_t, 1>{33}, 32, 34));
  CHECK_FALSE(checked::tensor_bytes(std::array<std::uint64_t, 1>{32}, 0, 34));
  CHECK_FALSE(checked::tensor_bytes(std::array<std::uint64_t, 1>{1ull << 62}, 1, 8));
}
