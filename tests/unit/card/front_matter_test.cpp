#include "engine/card/front_matter.hpp"

#include <doctest/doctest.h>

using heirloom::Code;
using heirloom::card::edit_front_matter;
using heirloom::card::FrontMatterEdit;
using heirloom::model::Json;

namespace {

FrontMatterEdit set(std::string key, std::string_view json) {
  auto value = heirloom::model::parse_json(json);
  REQUIRE(value);
  return {std::move(key), std::move(*value), std::string(json)};
}
FrontMatterEdit without(std::string key) { return {std::move(key), std::nullopt}; }

std::string edited(std::string_view readme, const std::vector<FrontMatterEdit>& edits) {
  const auto result = edit_front_matter(readme, edits);
  REQUIRE_MESSAGE(result, result.error().message);
  return result->text;
}

// A card as people write them: comments, lists at either indent, a block scalar, a list over several lines.
constexpr std::string_view card =
    "---\n"
    "# about\n"
    "license: apache-2.0  # checked\n"
    "tags:\n"
    "- one\n"
    "# between\n"
    "- two\n"
    "\n"
    "language: [\n"
    "  en,\n"
    "]\n"
    "\"quoted key\": 1\n"
    "description: |\n"
    "  license: not a key\n"
    "\n"
    "  # not a comment\n"
    "base_model:\n"
    "  - a/b\n"
    "# the end\n"
    "---\n"
    "# Title\nlicense: text\n";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != text.npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a key of the front matter is replaced where it stands, with its whole block") {
  const std::string all(card);
  CHECK(edited(card, {set("license", "\"mit\"")}) == replaced(all, "license: apache-2.0  # checked\n", "license: mit\n"));
  CHECK(edited(card, {set("tags", "[\"three\"]")}) == replaced(all, "tags:\n- one\n# between\n- two\n", "tags:\n- three\n"));
  CHECK(edited(card, {set("language", "[\"de\",\"no\"]")}) == replaced(all, "language: [\n  en,\n]\n", "language:\n- de\n- \"no\"\n"));
  CHECK(edited(card, {set("description", "\"a: b\"")}) ==
        replaced(all, "description: |\n  license: not a key\n\n  # not a comment\n", "description: \"a: b\"\n"));
  CHECK(edited(card, {set("quoted key", "2")}) == replaced(all, "\"quoted key\": 1\n", "\"quoted key\": 2\n"));
  CHECK(edited(card, {without("base_model")}) == replaced(all, "base_model:\n  - a/b\n", ""));
}

TEST_CASE("a key that is new stands before the end of the front matter") {
  CHECK(edited("---\na: 1\n---\nbody", {set("b", "true"), set("c", "[]")}) == "---\na: 1\nb: true\nc: []\n---\nbody");
  CHECK(edited("---\r\na: 1\r\n---\r\nbody", {set("b", "\"x\"")}) == "---\r\na: 1\r\nb: x\r\n---\r\nbody");
  CHECK(edited("# Title\n", {set("license", "\"mit\"")}) == "---\nlicense: mit\n---\n# Title\n");
  CHECK(edited("", {set("license", "\"mit\"")}) == "---\nlicense: mit\n---\n");
  CHECK(edited("---\n---\n", {set("x", "{\"a\":[\"b\",1.5]}")}) == "---\nx: {\"a\": [\"b\", 1.5]}\n---\n");
  CHECK(edited("", {set("x", "[{\"name\":\"a\",\"n\":1}]")}) == "---\nx:\n- {\"name\": \"a\", \"n\": 1}\n---\n");
}

TEST_CASE("a text stays a text, and what yaml would take for something else is quoted") {
  CHECK(edited("---\nversion: one\n---\n", {set("version", "1.0")}) == "---\nversion: \"1.0\"\n---\n");
  CHECK(edited("---\n---\n", {set("a", "\"no\""), set("b", "\"1.0\""), set("c", "\"x\\u0007\\n---\"")}) ==
        "---\na: \"no\"\nb: \"1.0\"\nc: \"x\\x07\\n---\"\n---\n");
  CHECK(edited("---\nn: 5\n---\n", {set("n", "6")}) == "---\nn: 6\n---\n");
  CHECK(edited("---\nt: x\n---\n", {set("t", "1.10"), set("n", "1.10")}) == "---\nt: \"1.10\"\nn: 1.10\n---\n");
}

TEST_CASE("what was there and what is there now is told in one line") {
  const auto result = edit_front_matter(card, {set("license", "\"mit\""), set("new", "1"), without("tags")});
  REQUIRE(result);
  CHECK(result->before[0] == "\"apache-2.0\"");
  CHECK_FALSE(result->before[1]);
  CHECK(result->before[2] == "[\"one\", \"two\"]");
  CHECK(result->after[0] == "\"mit\"");
  CHECK(result->after[1] == "\"1\"");
  CHECK_FALSE(result->after[2]);
}

TEST_CASE("a front matter that cannot be edited safely is refused") {
  struct Case {
    const char* name;
    std::string readme;
    FrontMatterEdit edit;
    Code code;
    const char* message;
  };
  const Case cases[] = {
      {"no end", "---\na: 1\n", set("a", "2"), Code::malformed, "has no end"},
      {"no yaml", "---\na: [1\n---\n", set("a", "2"), Code::malformed, "not valid yaml"},
      {"no mapping", "---\n- a\n---\n", set("a", "2"), Code::malformed, "no mapping"},
      {"a key twice", "---\na: 1\na: 2\n---\n", set("b", "2"), Code::malformed, "occurs twice"},
      {"a flow mapping", "---\n{a: 1}\n---\n", set("a", "2"), Code::unsupported, "by hand"},
      {"a flow mapping, a new key", "---\n{a: 1}\n---\n", set("b", "2"), Code::unsupported, "by hand"},
      {"an anchor that another key needs", "---\na: &x [1]\nb: *x\n---\n", without("a"), Code::unsupported, "by hand"},
      {"a text over two lines at the edge", "---\na: \"one\ntwo: three\"\nb: 1\n---\n", without("a"), Code::unsupported, "by hand"},
      {"ends of lines that are neither", "---\ra: 1\r---\r", set("a", "2"), Code::unsupported, "line ends"},
      {"a list that would be a text", "---\ntags: [a]\n---\n", set("tags", "\"b\""), Code::misuse, "is a list"},
      {"a key to remove that is not there", "---\na: 1\n---\n", without("b"), Code::misuse, "no key \"b\""},
      {"no value", "---\na: 1\n---\n", set("a", "null"), Code::misuse, "--remove"},
      {"no name", "---\na: 1\n---\n", set("", "1"), Code::misuse, "no name"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.name);
    const auto result = edit_front_matter(one.readme, {one.edit});
    REQUIRE_FALSE(result);
    CHECK(result.error().code == one.code);
    CHECK(result.error().message.find(one.message) != std::string::npos);
  }
}
