#include "engine/card/card.hpp"

#include <doctest/doctest.h>

using namespace heirloom;
using namespace heirloom::card;

namespace {

const std::string readme = "---\n"
                           "license: mit  # why\n"
                           "odd:   [1,  2]\n"
                           "base_model:\n"
                           "- a/b\n"
                           "- c/d\n"
                           "# a comment\n"
                           "model_name: \"Tiny\"\n"
                           "tags: [x, y]\n"
                           "---\n"
                           "# Tiny\n\nlicense: not this\n";

CardInput input_of(const std::string& text) {
  CardInput input;
  input.readme = text;
  input.directory_name = "tiny-1b";
  return input;
}

std::vector<Attr> keys_of(const std::string& text) { return general_keys(input_of(text)).attrs; }

std::vector<Attr> with(std::vector<Attr> attrs, const Attr& changed) {
  for (Attr& attr : attrs)
    if (attr.key == changed.key) {
      attr = changed;
      return attrs;
    }
  attrs.push_back(changed);
  return attrs;
}

}  // namespace

TEST_CASE("a card that says what the keys say comes back byte for byte") {
  for (const std::string& text : {readme, std::string("no front matter"), std::string(), std::string("---\nlicense: mit\n"), std::string("---\r\nlicense: mit\r\n---\r\nx")}) {
    const MendedCard card = mended(input_of(text), keys_of(text));
    CHECK(card.readme == text);
    CHECK(card.changed.empty());
    CHECK(card.unmended.empty());
  }
}

TEST_CASE("a changed key changes its own lines alone") {
  const MendedCard card = mended(input_of(readme), with(keys_of(readme), Attr::text("general.license", "apache-2.0")));
  CHECK(card.changed == std::vector<std::string>{"general.license"});
  CHECK(card.readme == "---\nlicense: apache-2.0\n" + readme.substr(readme.find("odd:")));
  const MendedCard named = mended(input_of(readme), with(keys_of(readme), Attr::text("general.name", "Big: one")));
  CHECK(named.readme.find("model_name: \"Big: one\"\n") != std::string::npos);
  CHECK(named.readme.find("# a comment\n") != std::string::npos);
}

TEST_CASE("a changed entry of a list rewrites the list, and a new key stands at the end of the front matter") {
  const MendedCard card = mended(input_of(readme), with(keys_of(readme), Attr::text("general.base_model.1.repo_url", "https://example.org/d")));
  CHECK(card.changed == std::vector<std::string>{"general.base_model"});
  CHECK(card.readme.find("odd:   [1,  2]\nbase_model:\n- a/b\n") != std::string::npos);
  const MendedCard added = mended(input_of(readme), with(keys_of(readme), Attr::text("general.author", "Somebody")));
  CHECK(added.readme.find("tags: [x, y]\nmodel_creator: Somebody\n---\n# Tiny") != std::string::npos);
  const MendedCard made = mended(input_of("text\n"), with(keys_of("text\n"), Attr::text("general.license", "mit")));
  CHECK(made.readme == "---\nlicense: mit\n---\ntext\n");
}

TEST_CASE("line ends of a card stay") {
  const std::string windows = "---\r\nlicense: mit\r\nodd: 1\r\n---\r\ntext\r\n";
  const MendedCard card = mended(input_of(windows), with(keys_of(windows), Attr::text("general.license", "isc")));
  CHECK(card.readme == "---\r\nlicense: isc\r\nodd: 1\r\n---\r\ntext\r\n");
}

TEST_CASE("a card that cannot be changed line by line stays, and the key is named") {
  const std::string flow = "---\n{license: mit, odd: 1}\n---\n";
  const MendedCard card = mended(input_of(flow), with(keys_of(flow), Attr::text("general.license", "isc")));
  CHECK(card.readme == flow);
  CHECK(card.unmended == std::vector<std::string>{"general.license"});
}

TEST_CASE("a key that is gone leaves the card as it is") {
  auto attrs = keys_of(readme);
  std::erase_if(attrs, [](const Attr& attr) { return attr.key == "general.license"; });
  CHECK(mended(input_of(readme), attrs).readme == readme);
}

TEST_CASE("a card is taken apart into its keys, each once, and its body") {
  const CardParts parts = parts_of("---\na: 1.10\na: 2\nb: {c: [x, ~]}\n---\nbody\n");
  REQUIRE(parts.keys.size() == 2);
  CHECK(parts.keys[0] == std::pair<std::string, std::string>("a", "2"));
  CHECK(parts.keys[1] == std::pair<std::string, std::string>("b", "{\"c\":[\"x\",null]}"));
  CHECK(parts.body == "body\n");
  CHECK(parts_of("---\na: [\n---\nx").unread == "a: [\n");
  CHECK(parts_of("---\na: [\n---\nx").body == "x");
  CHECK(parts_of("plain").body == "plain");
}
