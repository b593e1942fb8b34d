#include "engine/card/yaml.hpp"

#include <doctest/doctest.h>

using heirloom::Code;
using heirloom::card::parse_yaml;
using heirloom::card::Yaml;

namespace {

Yaml root_of(const std::string& yaml) {
  const auto document = parse_yaml(yaml);
  REQUIRE_MESSAGE(document, document.error().message);
  return document->root;
}

std::string billion_laughs() {
  std::string yaml = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string name = std::to_string(i);
    yaml.append("a").append(name).append(": &a").append(name).append(" [");
    for (int k = 0; k < 10; ++k)
      yaml.append(k == 0 ? "*a" : ", *a").append(std::to_string(i - 1)).append(" ");
    yaml.append("]\n");
  }
  return yaml;
}

std::string repeated(std::string_view piece, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i)
    text += piece;
  return text;
}

}  // namespace

TEST_CASE("scalars keep how they are written and say whether yaml takes them for text") {
  for (const char* special : {"yes", "No", "TRUE", "off", "1", "-12", "+1_000", "0x1F", "0b101", "017", "1:30", "1.5",
                              ".5", "1.", "1.5e+3", "-.inf", ".NaN", "2024-01-01", "2024-1-1 1:02:03.5 +1:00",
                              "1:30.5", "="}) {
    CAPTURE(std::string(special));
    const Yaml plain = root_of(std::string("k: ") + special + "\n");
    CHECK(plain.find("k")->kind == Yaml::Kind::number_or_date);
    CHECK(plain.find("k")->text == special);
    CHECK(root_of(std::string("k: '") + special + "'\n").find("k")->kind == Yaml::Kind::text);
    CHECK(root_of(std::string("k: !!str ") + special + "\n").find("k")->kind == Yaml::Kind::text);
  }
  for (const char* text : {"y", "n", "1e5", "08", "0o7", "1.2.3", "v1.0", "2024-13", "yEs", "nan", "1:60", "- x"}) {
    CAPTURE(std::string(text));
    CHECK(!heirloom::card::is_special_scalar(text));
  }
}

TEST_CASE("an alias stands for a copy of its anchor's node") {
  const Yaml root = root_of("a: &x {k: [1, v]}\nb: *x\n");
  CHECK(root.find("b")->find("k")->items[1].text == "v");
}

TEST_CASE("of a repeated key the last value counts, and the repetition is reported") {
  const auto document = parse_yaml("a: 1\nb: 2\na: 3\n");
  REQUIRE(document);
  CHECK(document->root.members.size() == 2);
  CHECK(document->root.find("a")->text == "3");
  CHECK(document->repeated_keys == std::vector<std::string>{"a"});
}

TEST_CASE("a key that is a list or a mapping is left out with a warning") {
  const auto document = parse_yaml("? [a, b]\n: x\nk: v\n");
  REQUIRE(document);
  CHECK(document->root.members.size() == 1);
  REQUIRE(document->warnings.size() == 1);
  CHECK(document->warnings[0] == "a key on line 2 is no text: it is ignored");
}

TEST_CASE("a tag that is not yaml's own is ignored with a warning") {
  const auto document = parse_yaml("k: !!python/name:os.system x\n");
  REQUIRE(document);
  CHECK(document->warnings.size() == 1);
  CHECK(document->root.find("k")->text == "x");
}

TEST_CASE("front matter is what stands between lines of three hyphens at the very start") {
  using heirloom::card::front_matter_of;
  CHECK(front_matter_of("---\na: 1\n---\nb: 2\n") == "a: 1\n");
  CHECK(front_matter_of("---\r\na: 1\r\n---\r\n") == "a: 1\n");
  CHECK(front_matter_of("---\ra: 1\r---\r") == "a: 1\n");
  CHECK(front_matter_of("---\na: 1\n --- \nb: 2") == "a: 1\n --- \nb: 2\n");
  CHECK(front_matter_of("--- \na: 1\n---\n").empty());
  CHECK(front_matter_of("\n---\na: 1\n---\n").empty());
  CHECK(front_matter_of("\uFEFF---\na: 1\n---\n").empty());
  CHECK(front_matter_of("").empty());
  CHECK(front_matter_of("---").empty());
  CHECK(front_matter_of("---\n- no\n-\tx\n---\n") == "- \"no\"\n-  x\n");
}

TEST_CASE("hostile yaml is refused quickly, for the reason that applies") {
  struct Case { const char* title; std::string yaml; Code code; const char* message; };
  const Case cases[] = {
      {"billion laughs", billion_laughs(), Code::limit, "aliases expanded"},
      {"many aliases of one long text",
       "a: &a " + std::string(500'000, 'x') + "\nb: [" + repeated("*a , ", 1000) + "]\n", Code::limit, "aliases expanded"},
      {"anchors inside anchors of one long text",
       "y: [" + repeated("&a [", 50) + std::string(900'000, 'x') + std::string(50, ']') + "]\n", Code::limit,
       "bytes of text"},
      {"alias inside its own anchor", "a: &a [*a ]\n", Code::malformed, "alias"},
      {"alias of nothing", "a: *b\n", Code::malformed, ""},
      {"flow lists too deep", std::string(500'000, '['), Code::limit, "nested more than 64 deep"},
      {"flow maps too deep", repeated("{a: ", 200'000), Code::limit, "nested more than 64 deep"},
      {"block lists too deep", repeated("- ", 400'000) + "x", Code::limit, "nested more than 64 deep"},
      {"complex keys too deep", repeated("? ", 400'000) + "x", Code::limit, "nested more than 64 deep"},
      {"closed lists too deep", std::string(65, '[') + std::string(65, ']'), Code::limit, "nested more than 64 deep"},
      {"too long", std::string((1u << 20) + 1, 'x'), Code::limit, "too large"},
      {"too many nodes", "a: [" + repeated("1,", 400'000) + "]\n", Code::limit, "nodes"},
      {"not utf-8", "a: \xff\n", Code::malformed, "utf-8"},
      {"NUL", std::string("a: \0\n", 5), Code::malformed, "control character"},
      {"unclosed quote", "a: \"x\n", Code::malformed, "not valid yaml"},
      {"unclosed flow list", "a: [x\n", Code::malformed, "not valid yaml"},
      {"unknown escape", "a: \"\\q\"\n", Code::malformed, "not valid yaml"},
      {"bad indentation", "a:\n  - x\n- y\n", Code::malformed, "not valid yaml"},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.title));
    const auto document = parse_yaml(c.yaml);
    REQUIRE(!document);
    CAPTURE(document.error().message);
    CHECK(document.error().code == c.code);
    CHECK(document.error().message.find(c.message) != std::string::npos);
  }
}
