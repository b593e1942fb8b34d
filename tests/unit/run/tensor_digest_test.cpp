// Digests of numbers: what canonical bytes are, and that they are the same however a stream is cut.
#include "engine/run/tensor_digest.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cstring>
#include <string>

using namespace heirloom;
using run::TensorDigest;
using run::Values;

namespace {

template <class T>
std::vector<std::uint8_t> bytes_of(const std::vector<T>& numbers) {
  std::vector<std::uint8_t> bytes(numbers.size() * sizeof(T));
  if (!bytes.empty())
    std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

struct Digests {
  base::Digest raw;
  std::optional<Values> values;
};

Digests digests_of(std::string_view encoding, std::span<const std::uint8_t> bytes, std::size_t step = SIZE_MAX,
                   TensorDigest::Wanted wanted = TensorDigest::Wanted::both) {
  TensorDigest digest(kernels::scalar_kernels, encoding, wanted);
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(step, bytes.size()));
    digest.add(part);
    bytes = bytes.subspan(part.size());
  }
  Digests made{digest.raw(), {}};
  made.values = digest.values();
  return made;
}

void check_values(std::string_view encoding, const std::vector<std::uint8_t>& stored, std::string_view value_class,
                  const std::vector<std::uint8_t>& canonical) {
  CAPTURE(std::string(encoding));
  const Digests made = digests_of(encoding, stored);
  CHECK(made.raw == base::sha256(stored));
  REQUIRE(made.values);
  CHECK(made.values->value_class == value_class);
  CHECK(made.values->canonical == base::sha256(canonical));
}

constexpr std::uint32_t nan_bits = 0x7fc0'0000;

}  // namespace

TEST_CASE("floating numbers of any width have the digest of their binary32, with one NaN") {
  const std::vector<std::uint32_t> f32 = {0x0000'0000, 0x8000'0000, 0x3f80'0000, 0xff80'0000, nan_bits};
  check_values("f32", bytes_of(std::vector<std::uint32_t>{0, 0x8000'0000, 0x3f80'0000, 0xff80'0000, 0xffc0'0001}), "f32", bytes_of(f32));
  check_values("bf16", bytes_of(std::vector<std::uint16_t>{0, 0x8000, 0x3f80, 0xff80, 0x7f81}), "f32", bytes_of(f32));
  check_values("f16", bytes_of(std::vector<std::uint16_t>{0, 0x8000, 0x3c00, 0xfc00, 0xfe01}), "f32", bytes_of(f32));
  check_values("f64", bytes_of(std::vector<std::uint64_t>{0, 1ull << 63, 0x3ff0ull << 48, 0xfff0ull << 48, 0x7ff0'0000'0000'0001}), "f32", bytes_of(f32));
  check_values("f8_e4m3", {0x00, 0x80, 0x38, 0x7f}, "f32", bytes_of(std::vector<std::uint32_t>{0, 0x8000'0000, 0x3f80'0000, nan_bits}));
  check_values("f8_e5m2", {0x00, 0x80, 0x3c, 0xfc, 0xff}, "f32", bytes_of(f32));
  check_values("f8_e4m3fnuz", {0x00, 0x80, 0x40}, "f32", bytes_of(std::vector<std::uint32_t>{0, nan_bits, 0x3f80'0000}));
  check_values("f8_e8m0", {0x7f, 0xff}, "f32", bytes_of(std::vector<std::uint32_t>{0x3f80'0000, nan_bits}));
}

TEST_CASE("binary64 that binary32 does not hold stays binary64, with one NaN, wherever the first such number stands") {
  std::vector<double> numbers(20'000, 0.5);
  numbers.back() = 0.1;
  check_values("f64", bytes_of(numbers), "f64", bytes_of(numbers));
  numbers.back() = 1e300;
  check_values("f64", bytes_of(numbers), "f64", bytes_of(numbers));
  std::vector<std::uint64_t> bits = {std::bit_cast<std::uint64_t>(0.1), 0xfff8'0000'0000'0002};
  const auto stored = bytes_of(bits);
  bits[1] = 0x7ff8'0000'0000'0000;
  check_values("f64", stored, "f64", bytes_of(bits));
}

TEST_CASE("integers become i64, u64 where one is above it, truth values 0 and 1") {
  check_values("i8", {0xff, 0x01}, "i64", bytes_of(std::vector<std::int64_t>{-1, 1}));
  check_values("u8", {0xff, 0x01}, "i64", bytes_of(std::vector<std::int64_t>{255, 1}));
  check_values("i32", bytes_of(std::vector<std::int32_t>{-7}), "i64", bytes_of(std::vector<std::int64_t>{-7}));
  check_values("u64", bytes_of(std::vector<std::uint64_t>{7}), "i64", bytes_of(std::vector<std::int64_t>{7}));
  check_values("u64", bytes_of(std::vector<std::uint64_t>{7, 1ull << 63}), "u64", bytes_of(std::vector<std::uint64_t>{7, 1ull << 63}));
  check_values("bool", {0, 1, 2}, "bool", {0, 1, 1});
}

TEST_CASE("blocks and complex numbers have no digest of their numbers, but one of their bytes") {
  for (const char* encoding : {"q8_0", "mxfp4", "c64", "none-such"}) {
    CAPTURE(encoding);
    const std::vector<std::uint8_t> bytes(34 * 17 * 8, 3);
    CHECK(!run::has_values(encoding));
    CHECK(!digests_of(encoding, bytes).values);
    CHECK(digests_of(encoding, bytes).raw == base::sha256(bytes));
  }
}

TEST_CASE("a stream may be cut anywhere between elements, and a NaN may stand in any part") {
  std::vector<std::uint32_t> numbers(30'000);
  for (std::uint32_t i = 0; i < numbers.size(); ++i)
    numbers[i] = 0x3f00'0000 + i;
  for (const std::size_t nan : {std::size_t{0}, std::size_t{8192}, std::size_t{29'999}, SIZE_MAX}) {
    auto stored = numbers, canonical = numbers;
    if (nan != SIZE_MAX) {
      stored[nan] = 0x7f80'0001;
      canonical[nan] = nan_bits;
    }
    const auto bytes = bytes_of(stored);
    for (const std::size_t step : {std::size_t{4}, std::size_t{4096}, std::size_t{100'000}, SIZE_MAX})
      for (const auto wanted : {TensorDigest::Wanted::both, TensorDigest::Wanted::values}) {
        const Digests made = digests_of("f32", bytes, step, wanted);
        REQUIRE(made.values);
        CHECK(made.values->canonical == base::sha256(bytes_of(canonical)));
      }
  }
}
