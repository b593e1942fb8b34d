#include "heirloom/cursor.hpp"

#include <doctest/doctest.h>

using heirloom::Cursor;

TEST_CASE("a cursor reads little endian numbers one after another and says where it stands") {
  const std::vector<std::uint8_t> bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  Cursor in(bytes);
  CHECK(in.u8().value() == 1);
  CHECK(in.u16().value() == 0x0302);
  CHECK(in.u32().value() == 0x07060504);
  CHECK(in.position() == 7);
  CHECK(in.u64().value() == 0x0f0e0d0c0b0a0908ull);
  CHECK(in.remaining() == 0);
}

TEST_CASE("a cursor reads big endian numbers when told so") {
  const std::vector<std::uint8_t> bytes = {1, 2, 3, 4};
  Cursor in(bytes);
  in.set_big_endian(true);
  CHECK(in.u32().value() == 0x01020304);
}

TEST_CASE("reading past the end is an error with the byte, and nothing is allocated for it") {
  const std::vector<std::uint8_t> bytes = {1, 2, 3};
  Cursor in(bytes);
  REQUIRE(in.skip(1));
  const auto number = in.u32();
  REQUIRE_FALSE(number);
  CHECK(number.error().code == heirloom::Code::malformed);
  CHECK(number.error().position == 1);
  CHECK_FALSE(in.bytes(UINT64_MAX));
  CHECK_FALSE(in.text(3));
  CHECK_FALSE(in.skip(3));
  CHECK(in.text(2).value() == std::string("\x02\x03"));
}
