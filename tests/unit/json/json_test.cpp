#include "engine/model/json.hpp"
#include "engine/model/json_count.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <string>

using namespace std::string_literals;
using heirloom::Code;
using heirloom::no_position;
using heirloom::model::Json;
using heirloom::model::parse_json;

namespace {

Json parsed(std::string_view text) {
  const auto json = parse_json(text);
  REQUIRE_MESSAGE(json, text << ": " << json.error().message);
  return *json;
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

}  // namespace

TEST_CASE("a document becomes a tree that keeps the order of its members") {
  const Json json =
      parsed(R"({"z": [1, -2, 18446744073709551615, 2.5, true, null, "é\n\u00e9\ud83d\ude00"], "a": {}})");
  REQUIRE(json.object() != nullptr);
  CHECK((*json.object())[0].first == "z");
  CHECK((*json.object())[1].first == "a");
  const auto& items = *json.find("z")->array();
  CHECK(items[0].integer() == 1);
  CHECK(items[1].integer() == -2);
  CHECK(std::get<std::uint64_t>(items[2].value()) == UINT64_MAX);
  CHECK(!items[2].integer());
  CHECK(items[3].number() == 2.5);
  CHECK(*items[4].boolean());
  CHECK(items[5].is_null());
  CHECK(*items[6].text() == "é\né😀");
}

TEST_CASE("every kind of value can be a whole document") {
  CHECK(parsed("null").is_null());
  CHECK(*parsed(" true ").boolean());
  CHECK(*parsed("\"x\"").text() == "x");
  CHECK(parsed("7").integer() == 7);
  CHECK(parsed("[]").array()->empty());
  CHECK(parsed("{}").object()->empty());
}

TEST_CASE("a number is an integer only when it is written as one") {
  CHECK(parsed("3").is_integer());
  CHECK(parsed("3.0").number() == 3.0);
  CHECK(!parsed("3.0").is_integer());
  CHECK(!parsed("3.0").integer());
  CHECK(!parsed("1e3").is_integer());
  CHECK(parsed("1e3").number() == 1000.0);
  CHECK(parsed("-9223372036854775808").integer() == INT64_MIN);
  CHECK(parsed("9223372036854775807").integer() == INT64_MAX);
  CHECK(parsed("18446744073709551616.0").number() == 18446744073709551616.0);
  CHECK(!parsed("\"3\"").is_number());
}

TEST_CASE("members are found by key and by dotted path") {
  const Json json = parsed(R"({"rope_scaling": {"factor": 8.0, "": 1}, "x": 1})");
  CHECK(json.at("rope_scaling.factor")->number() == 8.0);
  CHECK(json.at("rope_scaling.")->integer() == 1);
  CHECK(json.at("x")->integer() == 1);
  CHECK(json.at("x.y") == nullptr);
  CHECK(json.at("rope_scaling.type") == nullptr);
  CHECK(json.find("rope_scaling.factor") == nullptr);
  CHECK(parsed("[1]").find("0") == nullptr);
}

TEST_CASE("setting a member replaces it in place or appends it") {
  Json json;
  json.set("a", Json(std::int64_t{1}));
  json.set("b", Json("x"s));
  json.set("a", Json(true));
  CHECK(json.dump() == R"({"a":true,"b":"x"})");
}

TEST_CASE("dump writes compact or indented text and escapes what json must escape") {
  const Json json = parsed(R"({"a":[1,[],{}],"b":{"c":"\"\\\b\f\n\r\t\u0001\u007fü/"}})");
  CHECK(json.dump() == "{\"a\":[1,[],{}],\"b\":{\"c\":\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\x7fü/\"}}");
  CHECK(parsed(R"({"a":[1,[]],"b":{"c":0.5}})").dump(2) ==
        "{\n  \"a\": [\n    1,\n    []\n  ],\n  \"b\": {\n    \"c\": 0.5\n  }\n}");
}

TEST_CASE("doubles are dumped in the shortest form that reads back the same, with a point or exponent") {
  struct Case { double value; const char* text; };
  for (const Case& c : {Case{0.1, "0.1"}, {1.0, "1.0"}, {-0.0, "-0.0"}, {1e-5, "1e-05"}, {1e300, "1e+300"},
                        {500000.0, "5e+05"}, {1234567.0, "1234567.0"}, {1.0 / 3, "0.3333333333333333"},
                        {std::numeric_limits<double>::denorm_min(), "5e-324"},
                        {std::numeric_limits<double>::max(), "1.7976931348623157e+308"}}) {
    CAPTURE(c.text);
    CHECK(Json(c.value).dump() == c.text);
    const auto back = parsed(c.text).number();
    REQUIRE(back);
    CHECK(std::memcmp(&*back, &c.value, sizeof c.value) == 0);
  }
  CHECK(Json(std::numeric_limits<double>::infinity()).dump() == "null");
  CHECK(Json(std::numeric_limits<double>::quiet_NaN()).dump() == "null");
}

TEST_CASE("a NUL in a key does not cut the key") {
  const Json json = parsed(R"({"a\u0000b": 1, "a": 2})");
  CHECK(json.find("a\0b"s)->integer() == 1);
  CHECK(json.find("a")->integer() == 2);
}

TEST_CASE("keys that differ in how they are escaped only are duplicates") {
  const auto json = parse_json(std::string_view(R"({"ab": 1, "\u0061b": 2})"));
  REQUIRE(!json);
  CHECK(json.error().message == "key 'ab' occurs twice in a json object");
  CHECK(json.error().position == 10);
}

TEST_CASE("nesting as deep as the limit is read and one level more is not") {
  CHECK(parse_json(std::string_view(nested(heirloom::model::max_json_depth))));
  const auto deeper = parse_json(std::string_view(nested(heirloom::model::max_json_depth + 1)));
  REQUIRE(!deeper);
  CHECK(deeper.error().code == Code::limit);
  CHECK(deeper.error().message.find("nested more than 128 deep") != std::string::npos);
  const auto deepest = parse_json(std::string_view(nested(1000000)));
  REQUIRE(!deepest);
  CHECK(deepest.error().code == Code::limit);
}

TEST_CASE("a document longer than the limit is refused unread") {
  const std::string text(heirloom::model::max_json_bytes + 1, ' ');
  const auto json = parse_json(std::string_view(text));
  REQUIRE(!json);
  CHECK(json.error().code == Code::limit);
}

TEST_CASE("a document of more values than the limit is refused") {
  std::string text = "[0";
  for (int i = 0; i < 17'000'000; ++i)
    text += ",0";
  const auto json = parse_json(std::string_view(text += "]"));
  REQUIRE(!json);
  CHECK(json.error().code == Code::limit);
  CHECK(json.error().message.find("values") != std::string::npos);
}

TEST_CASE("values are counted without reading them, whatever stands in texts") {
  struct Case { const char* text; std::uint64_t count; };
  for (const Case& one : {Case{"1", 1}, {"[]", 1}, {" { } ", 1}, {"[0,0]", 3}, {R"({"a,b[":[1,{}],"c":"\"],["})", 5}, {"[[],[ ],[{}]]", 5}})
    CHECK_MESSAGE(heirloom::model::count_json_values(one.text) == one.count, one.text);
}

TEST_CASE("malformed documents are refused with the byte where that is known") {
  struct Case { const char* title; std::string text; const char* message; std::uint64_t position; };
  const Case cases[] = {
      {"nothing", "", "empty", no_position},
      {"only spaces", "  \n", "empty", no_position},
      {"trailing text", "{} {}", "grammar", 3},
      {"trailing text after a number", "1 2", "", 2},
      {"trailing NUL", "{}\0"s, "", 2},
      {"trailing comma in an array", "[1,]", "", 3},
      {"trailing comma in an object", R"({"a":1,})", "", 7},
      {"comment", "[1, /* */ 2]", "", 4},
      {"single quotes", "{'a':1}", "", 1},
      {"unclosed array", "[1, 2", "", 5},
      {"unclosed string", "[\"abc", "does not end", 5},
      {"missing colon", R"({"a" 1})", "", 5},
      {"missing comma", "[1 2]", "", 3},
      {"key that is no string", "{1:2}", "", 1},
      {"wrong word", "[tru]", "true, false or null", 1},
      {"NaN", "[NaN]", "", 1},
      {"Infinity", "[1, Infinity]", "", 4},
      {"leading zero", "[01]", "number", 1},
      {"plus sign", "[+1]", "", 1},
      {"lonely point", "[1.]", "number", 1},
      {"integer beyond 64 bits", "[1, 18446744073709551616]", "does not fit 64 bits", 4},
      {"integer below 64 bits", "[-9223372036854775809]", "does not fit 64 bits", 1},
      {"double beyond its range", "[1e400]", "number", 1},
      {"unescaped newline in a string", "[\"a\nb\"]", "control character", 3},
      {"unknown escape", R"(["\q"])", "escape", 2},
      {"half an escape", R"(["\u12"])", "escape", 2},
      {"lone high surrogate", R"(["\ud800"])", "escape", 2},
      {"lone low surrogate", R"(["\udc00"])", "escape", 2},
      {"invalid utf-8", "[\"a\xff\"]", "utf-8", 3},
      {"overlong utf-8", "[\"\xc0\x80\"]", "utf-8", 2},
      {"utf-8 surrogate", "[\"é\xed\xa0\x80\"]", "utf-8", 4},
      {"cut utf-8", "\"\xe2\x82", "does not end", 3},
      {"byte order mark", "\xef\xbb\xbf{}", "", 0},
      {"duplicate key", R"({"a":1,"b":2,"a":3})", "key 'a' occurs twice", 13},
      {"duplicate key deep inside", R"([{"x":{"a":1,"a":1}},{"a":1}])", "key 'a' occurs twice", 13},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.title));
    const auto json = parse_json(std::string_view(c.text));
    REQUIRE(!json);
    CHECK(json.error().code == Code::malformed);
    CAPTURE(json.error().message);
    CHECK(json.error().message.find(c.message) != std::string::npos);
    CHECK(json.error().position == c.position);
  }
}
