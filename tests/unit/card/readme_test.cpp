#include "tests/unit/card/golden.hpp"

#include <limits>

using namespace heirloom;
using card::readme_from_keys;

namespace {

std::vector<Attr> keys_of(const std::string& readme, const std::string& directory) {
  card::CardInput input;
  input.readme = readme;
  input.directory_name = directory;
  card::GeneralKeys keys = card::general_keys(input);
  for (const std::string& warning : keys.warnings)
    FAIL_CHECK("warning: " << warning);
  return std::move(keys.attrs);
}

void check_survives(const std::vector<Attr>& attrs) {
  const std::string readme = readme_from_keys(attrs);
  CAPTURE(readme);
  CHECK(test::shown(keys_of(readme, "model")) == test::shown(attrs));
  CHECK(keys_of(readme, "model") == attrs);
}

}  // namespace

TEST_CASE("the keys of every card survive a way through a written card, in a directory of another name") {
  const model::Json golden = test::read_golden("model_names.json");
  for (const model::Json& one : *golden.find("cards")->array()) {
    CAPTURE(*one.find("name")->text());
    check_survives(card::general_keys(test::card_input(*one.find("readme")->text())).attrs);
  }
}

TEST_CASE("the keys of whole conversions survive a way through a written card") {
  const model::Json golden = test::read_golden("conversion_cards.json");
  for (const model::Json& one : *golden.array()) {
    CAPTURE(*one.find("architecture")->text());
    std::vector<Attr> attrs;
    for (const model::Json& row : *one.find("kv")->array())
      if (!(*row.array())[0].text()->starts_with("general.sampling."))
        attrs.push_back(test::attr_of(*(*row.array())[0].text(), *(*row.array())[1].text(), (*row.array())[2]));
    check_survives(attrs);
  }
}

TEST_CASE("a written card has the hub's keys, ids for hub models, and a title") {
  const std::vector<Attr> attrs = {
      Attr::text("general.type", "model"), Attr::text("general.name", "Tiny Model"),
      Attr::text("general.author", "Some Body"), Attr::text("general.license", "mit,apache-2.0"),
      Attr::text("general.license.link", "LICENSE"), Attr::scalar("general.base_model.count", std::uint32_t{1}),
      Attr::text("general.base_model.0.name", "Base 7B"), Attr::text("general.base_model.0.organization", "Org"),
      Attr::text("general.base_model.0.repo_url", "https://huggingface.co/org/Base-7B"),
      Attr::scalar("general.dataset.count", std::uint32_t{1}), Attr::text("general.dataset.0.name", "Own"),
      Attr::text("general.dataset.0.url", "http://x"),
      Attr::texts("general.tags", {"tulu", "no", "text-generation"}), Attr::texts("general.languages", {"en"})};
  CHECK(readme_from_keys(attrs) ==
        "---\nlicense:\n- mit\n- apache-2.0\nlanguage:\n- en\ntags:\n- tulu\n- \"no\"\npipeline_tag: text-generation\n"
        "base_model:\n- org/Base-7B\ndatasets:\n- name: Own\n  url: \"http://x\"\nmodel_name: \"Tiny Model\"\n"
        "model_creator: \"Some Body\"\nlicense_link: LICENSE\n---\n\n# Tiny Model\n");
  check_survives({attrs});
}

TEST_CASE("texts that yaml could misread survive") {
  for (const char* text : {"no", "- no", "a - no", "1.0", "2024-01-01", "null", "~", "=", "#x", "a: b", "a #b",
                           "'x'", "\"x\"", "a\nb\n", "a\tb", "a\\tb", "---", " lead", "trail ", "*a", "&a", "!t",
                           "%d", "@x", "`x`", "{}", "[]", "|", ">", "é\u0085\u2028\u2029\uFEFF\uFFFE\x7f\x01\r", "中文", "😀", "<<", "a,b", "Yes",
                           "0x1F", "1:30", ".5", "-", "?", ":", "a:", "", "x\u00A0y"}) {
    CAPTURE(std::string(text));
    std::vector<Attr> attrs = {Attr::text("general.type", "model"), Attr::text("general.name", "N")};
    if (*text != '\0')
      attrs.push_back(Attr::text("general.description", text));
    attrs.push_back(Attr::texts("general.tags", {text, "x"}));
    check_survives(attrs);
  }
}

TEST_CASE("there is no card when there is nothing to say") {
  CHECK(readme_from_keys({}).empty());
  CHECK(readme_from_keys({Attr::text("general.architecture", "llama"), Attr::text("general.type", "model")}).empty());
}

TEST_CASE("a count without entries, or one beyond all measure, makes a card of bounded size") {
  CHECK(readme_from_keys({Attr::scalar("general.dataset.count", std::uint32_t{0})}) == "---\ndatasets: []\n---\n");
  const std::string card = readme_from_keys({Attr::scalar("general.dataset.count", std::uint32_t{4'000'000'000})});
  CHECK(card.size() < 100'000);
  CHECK(card.find("- \"\"\n") != std::string::npos);
}

TEST_CASE("bytes that are not utf-8 become replacement characters in a card") {
  CHECK(readme_from_keys({Attr::text("general.name", "a\xff")}) == "---\nmodel_name: \"a\uFFFD\"\n---\n\n# a\uFFFD\n");
}

TEST_CASE("attributes of unexpected types are left out of a card") {
  CHECK(readme_from_keys({Attr::scalar("general.name", std::uint32_t{1}), Attr::text("general.tags", "x"),
                          Attr::text("general.dataset.count", "1"), Attr::array<float>("general.languages", {1.0F})})
            .empty());
}

TEST_CASE("sampling keys of other types than the usual become members, and what json cannot hold does not") {
  const auto members = card::generation_config_from_keys(
      {Attr::scalar("general.sampling.top_k", std::uint64_t{40}), Attr::scalar("general.sampling.top_p", 0.5),
       Attr::scalar("general.sampling.temp", std::numeric_limits<float>::infinity()),
       Attr::array<float>("general.sampling.min_p", {0.5F})});
  REQUIRE(members.size() == 2);
  CHECK(members[0].second.dump() == "40");
  CHECK(members[1].second.dump() == "0.5");
}

TEST_CASE("sampling keys become generation_config.json's members and come back the same") {
  const std::vector<Attr> attrs = {
      Attr::text("general.sampling.sequence", "top_k;temp"), Attr::scalar("general.sampling.top_k", std::int32_t{20}),
      Attr::scalar("general.sampling.top_p", 0.95F), Attr::scalar("general.sampling.temp", 0.6F),
      Attr::scalar("general.sampling.mirostat", std::int32_t{-1})};
  model::Json config;
  for (auto& [key, value] : card::generation_config_from_keys(attrs))
    config.set(key, value);
  CHECK(config.dump() == R"({"sequence":"top_k;temp","top_k":20,"top_p":0.95,"temperature":0.6,"mirostat":-1})");
  card::CardInput input;
  input.generation_config = config;
  std::vector<Attr> back = test::without_type(card::general_keys(input).attrs);
  CHECK(back == attrs);
}
