#include "engine/plan/attr_text.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace heirloom;

namespace {

std::vector<Attr> every_type() {
  return {Attr::text("text", "plain \"quoted\" \n \xc3\xa9"),
          Attr::scalar<std::uint8_t>("u8", 255),
          Attr::scalar<std::int8_t>("i8", -128),
          Attr::scalar<std::uint16_t>("u16", 65535),
          Attr::scalar<std::int16_t>("i16", -32768),
          Attr::scalar<std::uint32_t>("u32", 4294967295u),
          Attr::scalar<std::int32_t>("i32", std::numeric_limits<std::int32_t>::min()),
          Attr::scalar<std::uint64_t>("u64", UINT64_MAX),
          Attr::scalar<std::int64_t>("i64", INT64_MIN),
          Attr::scalar("f32", 0.1f),
          Attr::scalar("f64", 1.0 / 3),
          Attr::scalar("nan", std::numeric_limits<float>::quiet_NaN()),
          Attr::scalar("infinity", -std::numeric_limits<double>::infinity()),
          Attr::scalar("minus zero", -0.0f),
          Attr::scalar("yes", true),
          Attr::texts("texts", {"", "a", "\xe4\xb8\xad"}),
          Attr::array<float>("floats", {1.0f, 1e-45f, 3.4e38f}),
          Attr::array<std::int32_t>("ints", {1, -1}),
          Attr::texts("none", {})};
}

}  // namespace

TEST_CASE("every typed attribute survives as text and back, bit for bit") {
  const auto text = plan::to_text(every_type());
  CHECK(text.lost.empty());
  for (const Attr& attr : text.attrs)
    CHECK(attr.is_text());
  const auto back = plan::from_text(text.attrs);
  REQUIRE(back);
  CHECK(*back == every_type());
}

TEST_CASE("text that is not UTF-8 is named as lost, never changed") {
  const auto text = plan::to_text({Attr::text("good", "a"), Attr::text("bad", "\xff"), Attr::texts("list", {"a", "\xc3"})});
  CHECK(text.lost == std::vector<std::string>{"bad", "list"});
  CHECK(text.attrs.size() == 1);
}

TEST_CASE("plain text metadata stays text") {
  const std::vector<Attr> plain = {Attr::text("format", "pt"), Attr::text("n", "12")};
  CHECK(*plan::from_text(plain) == plain);
}

TEST_CASE("a record of types that the values contradict is an error with the key") {
  for (const char* types : {R"({"n": "u8"})", R"({"n": "array:u32"})", R"({"n": "array:array"})", R"({"n": "nonsense"})", "{"}) {
    CAPTURE(types);
    const auto back = plan::from_text({Attr::text("n", "300"), Attr::text("heirloom.attr_types", types)});
    CHECK_FALSE(back);
  }
}

TEST_CASE("a broken record of types and a number beyond binary32 are errors that name the key") {
  const auto broken = plan::from_text({Attr::text("heirloom.attr_types", "{")});
  REQUIRE_FALSE(broken);
  CHECK(broken.error().message.find("heirloom.attr_types") != std::string::npos);
  const auto large = plan::from_text({Attr::text("x", "1e39"), Attr::text("heirloom.attr_types", R"({"x": "f32"})")});
  REQUIRE_FALSE(large);
  CHECK(large.error().message.find("\"x\"") != std::string::npos);
}
