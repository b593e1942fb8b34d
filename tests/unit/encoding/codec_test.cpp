#include "tests/unit/encoding/support.hpp"

#include "heirloom/encodings.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace {

using namespace heirloom::encoding::test;
using heirloom::encoding::Codec;
using heirloom::encoding::codecs;
using heirloom::encoding::find_codec;
using heirloom::encoding::holds_all_values;
using heirloom::encoding::Kind;
namespace kernels = heirloom::kernels;

Bytes swapped(std::string_view id, Bytes bytes) {
  codec(id).swap_bytes(bytes.data(), bytes.size() / codec(id).block_bytes);
  return bytes;
}

Bytes counting(std::size_t n) {
  Bytes bytes(n);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  return bytes;
}

}  // namespace

TEST_CASE("every codec is a well-known encoding with that geometry, and stands in the table once") {
  for (const Codec& row : codecs()) {
    CAPTURE(row.id);
    const heirloom::WellKnownEncoding* known = heirloom::find_well_known_encoding(row.id);
    REQUIRE(known != nullptr);
    CHECK(row.block_elements == known->block_elements);
    CHECK(row.block_bytes == known->block_bytes);
    CHECK(find_codec(row.id) == &row);
    CHECK((row.block_elements > 1) == (row.kind == Kind::block));
  }
}

TEST_CASE("an encoding without a codec has none") {
  for (const char* id : {"", "c64", "f4", "f6_e2m3", "q8_1", "F32", "q8_0 "}) CHECK(find_codec(id) == nullptr);
}

TEST_CASE("a codec decodes exactly where binary32 holds all its values, and says so") {
  for (const Codec& row : codecs())
    if (row.decode != nullptr) {
      CAPTURE(row.id);
      CHECK(row.is_f32_exact == holds_all_values("f32", row.id));
      CHECK((row.decode_f64 != nullptr) == !row.is_f32_exact);
    }
}

TEST_CASE("integers decode to their values") {
  const auto& scalar = kernels::scalar_kernels;
  CHECK(decode(scalar, "i8", {0x80, 0xff, 0, 127}) == std::vector<float>{-128, -1, 0, 127});
  CHECK(decode(scalar, "u8", {0x80, 0xff}) == std::vector<float>{128, 255});
  CHECK(decode(scalar, "i16", {0x00, 0x80, 0xfe, 0xff}) == std::vector<float>{-32768, -2});
  CHECK(decode(scalar, "u16", {0x00, 0x80, 0xfe, 0xff}) == std::vector<float>{32768, 65534});
  CHECK(decode(scalar, "bool", {0, 1, 2, 255}) == std::vector<float>{0, 1, 1, 1});
  std::array<double, 2> values{};
  codec("i64").decode_f64(bytes_of<std::int64_t>({INT64_MIN, 5}).data(), values.data(), 2);
  CHECK(values == std::array{-0x1p63, 5.0});
  codec("u32").decode_f64(bytes_of<std::uint32_t>({UINT32_MAX, 7}).data(), values.data(), 2);
  CHECK(values == std::array{4294967295.0, 7.0});
}

TEST_CASE("e8m0 is a power of two and the fnuz formats have a bias one higher") {
  const auto& scalar = kernels::scalar_kernels;
  CHECK(decode(scalar, "f8_e8m0", {0, 1, 127, 254}) == std::vector<float>{0x1p-127f, 0x1p-126f, 1, 0x1p127f});
  CHECK(std::isnan(decode(scalar, "f8_e8m0", {255})[0]));
  for (unsigned code = 0; code < 256; ++code) {
    CAPTURE(code);
    const Bytes byte{static_cast<std::uint8_t>(code)};
    const float e4m3 = decode(scalar, "f8_e4m3fnuz", byte)[0];
    const float e5m2 = decode(scalar, "f8_e5m2fnuz", byte)[0];
    if (code == 0x80) {
      CHECK(std::isnan(e4m3));
      CHECK(std::isnan(e5m2));
      continue;
    }
    const float sign = code < 128 ? 1.0f : -1.0f;
    const int e4 = static_cast<int>(code >> 3 & 15), e5 = static_cast<int>(code >> 2 & 31);
    const float f4 = static_cast<float>(code & 7) / 8, f5 = static_cast<float>(code & 3) / 4;
    CHECK(e4m3 == sign * std::ldexp(e4 == 0 ? f4 : 1 + f4, std::max(e4, 1) - 8));
    CHECK(e5m2 == sign * std::ldexp(e5 == 0 ? f5 : 1 + f5, std::max(e5, 1) - 16));
  }
}

TEST_CASE("holds_all_values is true where a conversion loses nothing") {
  struct Row {
    const char* to;
    std::vector<std::string_view> from;
  };
  const std::vector<Row> rows{
      {"f64",
       {"f32",  "f16",    "bf16",  "f8_e4m3", "f8_e5m2", "f8_e8m0", "f8_e4m3fnuz", "f8_e5m2fnuz", "i8",     "u8",
        "i16",  "u16",    "i32",   "u32",     "bool",    "q8_0",    "q4_0",        "q5_0",        "iq4_nl", "q3_k",
        "q6_k", "iq4_xs", "tq1_0", "tq2_0",   "q1_0",    "q2_0",    "mxfp4",       "nvfp4",       "q4_1",   "q5_1",
        "q2_k", "q4_k",   "q5_k",  "iq2_xxs", "iq2_xs",  "iq2_s",   "iq3_xxs",     "iq3_s",       "iq1_s",  "iq1_m"}},
      {"f32",
       {"f16",     "bf16",   "f8_e4m3", "f8_e5m2", "f8_e8m0", "f8_e4m3fnuz", "f8_e5m2fnuz", "i8",   "u8",     "i16",
        "u16",     "bool",   "q8_0",    "q4_0",    "q5_0",    "iq4_nl",      "q3_k",        "q6_k", "iq4_xs", "tq1_0",
        "tq2_0",   "q1_0",   "q2_0",    "mxfp4",   "nvfp4",   "q4_1",        "q5_1",        "q2_k", "q4_k",   "q5_k",
        "iq2_xxs", "iq2_xs", "iq2_s",   "iq3_xxs", "iq3_s",   "iq1_s",       "iq1_m"}},
      {"f16", {"f8_e4m3", "f8_e5m2", "f8_e4m3fnuz", "f8_e5m2fnuz", "i8", "u8", "bool", "tq1_0", "q1_0", "nvfp4"}},
      {"bf16", {"f8_e4m3", "f8_e5m2", "f8_e8m0", "f8_e4m3fnuz", "f8_e5m2fnuz", "i8", "u8", "bool", "mxfp4", "nvfp4"}},
      {"f8_e4m3", {"bool"}},
      {"f8_e5m2", {"bool"}},
      {"f8_e8m0", {}},
      {"f8_e4m3fnuz", {"bool"}},
      {"f8_e5m2fnuz", {"bool"}},
      {"i8", {"bool"}},
      {"u8", {"bool"}},
      {"i16", {"i8", "u8", "bool"}},
      {"u16", {"u8", "bool"}},
      {"i32", {"i8", "u8", "i16", "u16", "bool"}},
      {"u32", {"u8", "u16", "bool"}},
      {"i64", {"i8", "u8", "i16", "u16", "i32", "u32", "bool"}},
      {"u64", {"u8", "u16", "u32", "bool"}},
      {"bool", {}},
      {"q8_0", {}},
      {"q4_0", {}},
      {"q4_k", {}},
  };
  for (const Row& row : rows)
    for (const Codec& from : codecs()) {
      CAPTURE(row.to);
      CAPTURE(from.id);
      const bool is_listed = std::find(row.from.begin(), row.from.end(), from.id) != row.from.end();
      CHECK(holds_all_values(row.to, from.id) == (is_listed || from.id == row.to));
    }
  CHECK(holds_all_values("unheard-of", "unheard-of"));
  CHECK_FALSE(holds_all_values("f64", "unheard-of"));
}

TEST_CASE("swap_bytes turns numbers around, leaves bytes alone, and is its own inverse") {
  CHECK(swapped("f16", {1, 2, 3, 4}) == Bytes{2, 1, 4, 3});
  CHECK(swapped("i32", {1, 2, 3, 4}) == Bytes{4, 3, 2, 1});
  CHECK(swapped("f64", {1, 2, 3, 4, 5, 6, 7, 8}) == Bytes{8, 7, 6, 5, 4, 3, 2, 1});
  CHECK(swapped("f8_e4m3", {1, 2}) == Bytes{1, 2});
  for (const Codec& row : codecs()) {
    CAPTURE(row.id);
    const bool can_swap = row.swap_bytes != nullptr;
    REQUIRE((can_swap || row.encode == nullptr || row.id.starts_with("iq")));  // grids: not known
    if (!can_swap)
      continue;
    const Bytes bytes = counting(3 * row.block_bytes);
    CHECK(swapped(row.id, swapped(row.id, bytes)) == bytes);
  }
}

TEST_CASE("swap_bytes turns the scales of blocks around and nothing else") {
  struct Row {
    const char* id;
    std::vector<std::size_t> scales;
  };
  const std::vector<Row> rows{
      {"q8_0", {0}},   {"q4_0", {0}},    {"q4_1", {0, 2}}, {"q5_0", {0}},   {"q5_1", {0, 2}}, {"q2_k", {80, 82}},
      {"q3_k", {108}}, {"q4_k", {0, 2}}, {"q5_k", {0, 2}}, {"q6_k", {208}}, {"iq4_nl", {0}},  {"iq4_xs", {0, 2}},
      {"tq1_0", {52}}, {"tq2_0", {64}},  {"q1_0", {0}},    {"q2_0", {0}},   {"mxfp4", {}},    {"nvfp4", {}}};
  for (const Row& row : rows) {
    CAPTURE(row.id);
    const std::size_t size = codec(row.id).block_bytes;
    Bytes expected = counting(2 * size);
    for (const std::size_t block : {std::size_t{0}, size})
      for (const std::size_t scale : row.scales) std::swap(expected[block + scale], expected[block + scale + 1]);
    CHECK(swapped(row.id, counting(2 * size)) == expected);
  }
}
