#include "tests/unit/encoding/support.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace {

using namespace heirloom::encoding::test;
using heirloom::encoding::Codec;
using heirloom::encoding::codecs;
using heirloom::encoding::convertible;
using heirloom::encoding::holds_all_values;
using heirloom::encoding::Kind;
namespace kernels = heirloom::kernels;

template <class To, class From>
std::vector<To> converted_values(std::string_view from, std::string_view to, const std::vector<From>& values) {
  return values_of<To>(converted(kernels::scalar_kernels, from, to, bytes_of(values)));
}

Bytes random_bytes(std::uint64_t seed, std::size_t n) {
  std::mt19937_64 random(seed);
  Bytes bytes(n);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

// The bfloat16 nearest to an integer: its upper eight bits, rounded by what is below them.
std::uint16_t nearest_bf16(std::uint64_t magnitude) {
  if (magnitude == 0)
    return 0;
  const int exponent = 63 - std::countl_zero(magnitude);
  const unsigned __int128 scaled = static_cast<unsigned __int128>(magnitude) << (64 - exponent);  // the one at bit 64
  const auto kept = static_cast<std::uint32_t>(scaled >> 57);
  const auto rest = static_cast<std::uint64_t>(scaled) << 7;
  const bool goes_up = rest > 1ull << 63 || (rest == 1ull << 63 && kept % 2 == 1);
  return static_cast<std::uint16_t>((static_cast<std::uint32_t>(exponent + 127) << 7) + (kept - 128) +
                                    (goes_up ? 1 : 0));
}

}  // namespace

TEST_CASE("integers become wider integers and never narrower ones") {
  CHECK(converted_values<std::int64_t, std::int8_t>("i8", "i64", {-128, -1, 0, 127}) ==
        std::vector<std::int64_t>{-128, -1, 0, 127});
  CHECK(converted_values<std::int32_t, std::uint16_t>("u16", "i32", {0, 65535}) == std::vector<std::int32_t>{0, 65535});
  CHECK(converted_values<std::uint64_t, std::uint32_t>("u32", "u64", {UINT32_MAX}) ==
        std::vector<std::uint64_t>{UINT32_MAX});
  CHECK(converted_values<std::uint8_t, std::uint8_t>("bool", "u8", {0, 1, 2}) == std::vector<std::uint8_t>{0, 1, 1});
  CHECK_FALSE(convertible(codec("i64"), codec("i32")));
  CHECK_FALSE(convertible(codec("i8"), codec("u8")));
  CHECK_FALSE(convertible(codec("u8"), codec("bool")));
}

TEST_CASE("numbers with a fraction never become integers, and what cannot be made is only copied") {
  for (const Codec& to : codecs()) {
    CAPTURE(to.id);
    if (to.kind == Kind::integer)
      for (const char* from : {"f32", "f16", "f64", "q8_0"}) CHECK_FALSE(convertible(codec(from), to));
    CHECK(convertible(to, to));
    for (const char* block : {"q8_0", "q4_k"}) {
      const bool can_be_made = to.encode != nullptr || to.encode_weighted != nullptr || to.id == block;
      CHECK(convertible(codec(block), to) == can_be_made);
    }
    CHECK(convertible(to, codec("f8_e8m0")) == (to.id == "f8_e8m0"));
  }
}

TEST_CASE("what is converted to an encoding that holds all its values comes back unchanged") {
  for (const Codec& from : codecs())
    for (const Codec& to : codecs()) {
      if (!holds_all_values(to.id, from.id) || !convertible(from, to) || !convertible(to, from) ||
          from.kind == Kind::block)
        continue;
      for (const kernels::Kernels* row : kernels::supported()) {
        CAPTURE(from.id);
        CAPTURE(to.id);
        Bytes bytes = random_bytes(51, 2500 * from.block_bytes);
        // Signalling NaNs come back quiet: start from numbers that are through that.
        if (from.kind == Kind::floating && from.id != to.id)
          bytes = converted(*row, "f64", from.id, converted(*row, from.id, "f64", bytes));
        CHECK(converted(*row, to.id, from.id, converted(*row, from.id, to.id, bytes)) == bytes);
      }
    }
}

TEST_CASE("every pair that can be converted gives the scalar row's bytes on every row and length") {
  for (const Codec& from : codecs())
    for (const Codec& to : codecs()) {
      if (!convertible(from, to) || from.id == to.id || to.needs_importance)
        continue;
      const std::size_t step = std::max(from.block_elements, to.block_elements);
      for (const std::size_t n : {std::size_t{0}, step, 3 * step, std::size_t{1024}, std::size_t{1024} + step,
                                  3 * std::size_t{1024} + 7 * step}) {
        const Bytes bytes = random_bytes(52 + n, n / from.block_elements * from.block_bytes);
        const Bytes expected = converted(kernels::scalar_kernels, from.id, to.id, bytes);
        CHECK(expected.size() == n / to.block_elements * to.block_bytes);
        for (const kernels::Kernels* row : kernels::supported()) {
          CAPTURE(from.id);
          CAPTURE(to.id);
          CAPTURE(n);
          CAPTURE(row->name);
          CHECK(converted(*row, from.id, to.id, bytes) == expected);
        }
      }
    }
}

TEST_CASE("binary64 becomes narrower numbers with one rounding") {
  const double above_tie = 1 + 0x1p-11 + 0x1p-50;  // binary32 would make it a tie
  CHECK(converted_values<std::uint16_t, double>("f64", "f16", {above_tie, -above_tie, 1 + 0x1p-11}) ==
        std::vector<std::uint16_t>{0x3c01, 0xbc01, 0x3c00});
  CHECK(converted_values<std::uint16_t, double>("f64", "bf16", {1 + 0x1p-8 + 0x1p-40, 1 + 0x1p-8, 1e300}) ==
        std::vector<std::uint16_t>{0x3f81, 0x3f80, 0x7f80});
  CHECK(converted_values<std::uint8_t, double>("f64", "f8_e4m3", {1 + 0x1p-4 + 0x1p-40, 464, 464 + 0x1p-40, -1e300}) ==
        std::vector<std::uint8_t>{0x39, 0x7e, 0x7f, 0xff});
  CHECK(converted_values<std::uint8_t, double>("f64", "f8_e5m2", {1 + 0x1p-3 + 0x1p-40, 61440, 61440 - 0x1p-30}) ==
        std::vector<std::uint8_t>{0x3d, 0x7c, 0x7b});
  CHECK(converted_values<float, double>("f64", "f32", {1 + 0x1p-24, 1 + 0x1p-24 + 0x1p-52}) ==
        std::vector<float>{1, 1 + 0x1p-23f});
}

TEST_CASE("integers of 64 bits become narrower numbers with one rounding") {
  const std::int64_t above_tie = (1ll << 62) + (1ll << 54) + 1;  // binary64 would make it a tie
  CHECK(converted_values<std::uint16_t, std::int64_t>("i64", "bf16", {above_tie, -above_tie, above_tie - 1}) ==
        std::vector<std::uint16_t>{0x5e81, 0xde81, 0x5e80});
  CHECK(converted_values<float, std::uint64_t>("u64", "f32", {UINT64_MAX, (1ull << 63) + (1ull << 39) + 1}) ==
        std::vector<float>{0x1p64f, 0x1.000002p63f});
  CHECK(converted_values<double, std::int64_t>("i64", "f64", {(1ll << 53) + 1, INT64_MIN}) ==
        std::vector<double>{0x1p53, -0x1p63});
  CHECK(converted_values<std::uint16_t, std::int32_t>("i32", "f16", {65519, 65520, -7, 0}) ==
        std::vector<std::uint16_t>{0x7bff, 0x7c00, 0xc700, 0});
}

TEST_CASE("random integers of 64 bits become the nearest bfloat16 and binary32") {
  constexpr std::uint64_t seed = 53;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t top = (random() % 512) << 55;
    values.push_back((random() % 2 == 0 ? random() : top + (random() % 3) - 1) >> random() % 64);
  }
  const auto narrow = converted_values<std::uint16_t, std::uint64_t>("u64", "bf16", values);
  const auto single = converted_values<float, std::uint64_t>("u64", "f32", values);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (narrow[i] != nearest_bf16(values[i]) || single[i] != static_cast<float>(values[i])) {
      CAPTURE(values[i]);
      CHECK(narrow[i] == nearest_bf16(values[i]));
      CHECK(single[i] == static_cast<float>(values[i]));
    }
}

TEST_CASE("blocks are made from and become numbers of every kind") {
  std::vector<double> wide(64);
  std::vector<float> single(64);
  for (std::size_t i = 0; i < 64; ++i) {
    wide[i] = std::sin(static_cast<double>(i));
    single[i] = static_cast<float>(wide[i]);
  }
  const Bytes expected = encode(kernels::scalar_kernels, "q8_0", single);
  CHECK(converted(kernels::scalar_kernels, "f64", "q8_0", bytes_of(wide)) == expected);
  CHECK(converted(kernels::scalar_kernels, "f32", "q8_0", bytes_of(single)) == expected);
  const auto back = decode(kernels::scalar_kernels, "q8_0", expected);
  CHECK(values_of<double>(converted(kernels::scalar_kernels, "q8_0", "f64", expected)) ==
        std::vector<double>(back.begin(), back.end()));
  CHECK(values_of<std::uint16_t>(converted(kernels::scalar_kernels, "q8_0", "f16", expected)) ==
        values_of<std::uint16_t>(encode(kernels::scalar_kernels, "f16", back)));
}
