#include "tests/unit/card/golden.hpp"

#include <map>

using namespace heirloom;

namespace {

// What becomes of cards on which the reference converter stops: each names what its keys would be.
struct Survivor {
  std::vector<Attr> attrs;  // beside those of a directory without a card
  const char* warning;
};

const std::map<std::string, Survivor>& survivors() {
  static const std::map<std::string, Survivor> table = {
      {"indented", {{Attr::text("general.license", "mit"), Attr::texts("general.tags", {"q: uoted", "it's", "plain"}),
                     Attr::texts("general.languages", {"en", "no", "yes", "de"})},
                    "README.md:language.1: 'no' is no text to yaml; it is taken as written"}},
      {"norway", {{Attr::texts("general.languages", {"no", "on", "yes", "en"})},
                  "README.md:language.1: 'on' is no text to yaml; it is taken as written"}},
      {"norway2", {{}, "README.md: front matter is not valid yaml: end of map not found"}},
      {"numbers", {{Attr::text("general.name", "7"), Attr::text("general.version", "1.0"),
                    Attr::text("general.license", "3"),
                    Attr::texts("general.tags", {"1", "2.5", "true", "2024-01-01"})},
                   "README.md:model_name: '7' is no text to yaml; it is taken as written"}},
      {"badyaml", {{}, "README.md: front matter is not valid yaml: end of sequence flow not found"}},
      {"docend", {{Attr::text("general.license", "mit")},
                  "README.md: front matter of more than one yaml document: only the first is read"}},
  };
  return table;
}

bool is_all_text(const model::Json& kv) {
  if (kv.array() == nullptr)
    return false;  // the reference gave an error
  for (const model::Json& row : *kv.array()) {
    const model::Json& value = *row.find("value");
    if (*row.find("type")->text() == "STRING" && value.text() == nullptr)
      return false;
    if (*row.find("type")->text() == "ARRAY") {
      if (value.array() == nullptr)
        return false;
      for (const model::Json& item : *value.array())
        if (item.text() == nullptr)
          return false;
    }
  }
  return true;
}

std::vector<Attr> attrs_of(const model::Json& kv) {
  std::vector<Attr> attrs;
  for (const model::Json& row : *kv.array())
    if (*row.find("key")->text() != "general.architecture")
      attrs.push_back(test::attr_of(*row.find("key")->text(), *row.find("type")->text(), *row.find("value")));
  return attrs;
}

}  // namespace

TEST_CASE("every card gives the reference's keys, in its order") {
  const model::Json golden = test::read_golden("model_names.json");
  std::size_t compared = 0;
  for (const model::Json& one : *golden.find("cards")->array()) {
    if (!is_all_text(*one.find("kv")))
      continue;
    ++compared;
    CAPTURE(*one.find("name")->text());
    const card::GeneralKeys keys = card::general_keys(test::card_input(*one.find("readme")->text()));
    CHECK(keys.attrs[0] == Attr::text("general.type", "model"));
    CHECK(test::shown(test::without_type(keys.attrs)) == test::shown(attrs_of(*one.find("kv"))));
    CHECK(test::without_type(keys.attrs) == attrs_of(*one.find("kv")));
  }
  CHECK(compared == 31 - survivors().size());
}

TEST_CASE("a card on which the reference stops gives a warning and what can be read") {
  const model::Json golden = test::read_golden("model_names.json");
  std::size_t compared = 0;
  for (const model::Json& one : *golden.find("cards")->array()) {
    if (is_all_text(*one.find("kv")))
      continue;
    ++compared;
    const std::string& name = *one.find("name")->text();
    CAPTURE(name);
    const card::GeneralKeys keys = card::general_keys(test::card_input(*one.find("readme")->text()));
    const Survivor& expected = survivors().at(name);
    for (const Attr& attr : expected.attrs) {
      const Attr* found = find_attr(keys.attrs, attr.key);
      REQUIRE(found != nullptr);
      CHECK(*found == attr);
    }
    CHECK(find_attr(keys.attrs, "general.basename")->get_text() == "Tiny-Model");
    REQUIRE(!keys.warnings.empty());
    CHECK(keys.warnings[0] == expected.warning);
  }
  CHECK(compared == survivors().size());
}

TEST_CASE("whole checkpoints give the reference conversion's general keys") {
  const model::Json golden = test::read_golden("conversion_cards.json");
  CHECK(golden.array()->size() == 38);
  for (const model::Json& one : *golden.array()) {
    CAPTURE(*one.find("architecture")->text());
    std::vector<Tensor> tensors;
    for (const model::Json& row : *one.find("tensors")->array()) {
      Tensor tensor{*(*row.array())[0].text(), "f32", {}};
      for (const model::Json& dimension : *(*row.array())[1].array())
        tensor.shape.push_back(static_cast<std::uint64_t>(*dimension.integer()));
      tensors.push_back(std::move(tensor));
    }
    const card::ParameterCount count = card::parameter_count(tensors);
    const card::GeneralKeys keys = card::general_keys(
        {*one.find("readme")->text(), *one.find("config"), *one.find("generation_config"),
         *one.find("architecture")->text(), count.total, count.shared, count.expert, count.expert_count});
    std::vector<Attr> expected;
    for (const model::Json& row : *one.find("kv")->array())
      expected.push_back(test::attr_of(*(*row.array())[0].text(), *(*row.array())[1].text(), (*row.array())[2]));
    CHECK(test::shown(keys.attrs) == test::shown(expected));
    CHECK(keys.attrs == expected);
    CHECK(keys.warnings.empty());
  }
}
