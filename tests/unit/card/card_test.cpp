#include "tests/unit/card/golden.hpp"

#include <algorithm>

using namespace heirloom;
using card::CardInput;
using card::GeneralKeys;
using card::general_keys;

namespace {

std::string reason_of(const GeneralKeys& keys, const std::string& item) {
  for (const auto& [dropped, reason] : keys.dropped)
    if (dropped == item)
      return reason;
  return "(not dropped)";
}

bool is_used(const GeneralKeys& keys, const std::string& item, const std::string& key) {
  return std::find(keys.used.begin(), keys.used.end(), std::pair(item, key)) != keys.used.end();
}

model::Json json(std::string_view text) { return *model::parse_json(text); }

std::optional<std::string_view> text_of(const GeneralKeys& keys, std::string_view key) {
  const Attr* attr = find_attr(keys.attrs, key);
  return attr == nullptr ? std::nullopt : attr->get_text();
}

}  // namespace

TEST_CASE("each front-matter key is used or dropped with a reason") {
  const GeneralKeys keys = general_keys(test::card_input(
      "---\nlicense: mit\nlicense_name:\nlanguage: en\npipeline_tag: text-generation\ntags: []\nname: N\n"
      "model_name: M\n"
      "author: [a, b]\nbase_model: o/B\nbase_models: [o/C]\ndatasets: 7\nquantized_by: me\nwidget:\n- text: hi\n"
      "model-index: {}\ninference: false\nlicense: apache-2.0\n---\n"));
  CHECK(is_used(keys, "README.md:license", "general.license"));
  CHECK(is_used(keys, "README.md:language", "general.languages"));
  CHECK(is_used(keys, "README.md:pipeline_tag", "general.tags"));
  CHECK(is_used(keys, "README.md:name", "general.name"));
  CHECK(is_used(keys, "README.md:base_model", "general.base_model"));
  CHECK(reason_of(keys, "README.md:license_name") == "it is empty");
  CHECK(reason_of(keys, "README.md:tags") == "it is empty");
  CHECK(reason_of(keys, "README.md:model_name") == "general.name comes from 'name'");
  CHECK(reason_of(keys, "README.md:author") == "it is a list or a mapping, not a text");
  CHECK(reason_of(keys, "README.md:base_models") == "general.base_model comes from 'base_model'");
  CHECK(reason_of(keys, "README.md:datasets") == "it is no list of models or data sets");
  CHECK(reason_of(keys, "README.md:quantized_by") == "no general.* key takes it");
  CHECK(reason_of(keys, "README.md:widget") == "no general.* key takes it");
  CHECK(reason_of(keys, "README.md:model-index") == "no general.* key takes it");
  CHECK(reason_of(keys, "README.md:inference") == "no general.* key takes it");
  CHECK(reason_of(keys, "README.md:license") == "it occurs again further down, and the last one counts");
}

TEST_CASE("no front-matter key of any golden card goes unmentioned") {
  const model::Json golden = test::read_golden("model_names.json");
  std::size_t mentioned = 0;
  for (const model::Json& one : *golden.find("cards")->array()) {
    CAPTURE(*one.find("name")->text());
    const std::string& readme = *one.find("readme")->text();
    const GeneralKeys keys = general_keys(test::card_input(readme));
    if (std::any_of(keys.dropped.begin(), keys.dropped.end(), [](const auto& d) { return d.first == "README.md"; }))
      continue;  // the whole card
    for (std::size_t at = readme.starts_with("---\n") ? 4 : readme.size(); at < readme.size();) {
      const std::string line = readme.substr(at, readme.find('\n', at) - at);
      at += line.size() + 1;
      if (line == "---" || line == "...")
        break;
      if (line.empty() || !std::isalpha(static_cast<unsigned char>(line[0])) || line.find(':') == std::string::npos)
        continue;
      const std::string item = "README.md:" + line.substr(0, line.find(':'));
      CAPTURE(item);
      CHECK((reason_of(keys, item) != "(not dropped)" ||
             std::any_of(keys.used.begin(), keys.used.end(), [&](const auto& used) { return used.first == item; })));
      ++mentioned;
    }
  }
  CHECK(mentioned > 40);
}

TEST_CASE("items inside lists that are no texts are dropped one by one") {
  const GeneralKeys keys = general_keys(test::card_input(
      "---\ntags: [a, [b], {c: d}, ]\nlicense: [mit, null, apache-2.0]\nbase_model:\n"
      "- {name: N, foo: x, author: [y]}\n- 7\n---\n"));
  CHECK(find_attr(keys.attrs, "general.tags")->strings == std::vector<std::string>{"a"});
  CHECK(reason_of(keys, "README.md:tags.1") == "it is a list or a mapping, not a text");
  CHECK(reason_of(keys, "README.md:tags.2") == "it is a list or a mapping, not a text");
  CHECK(text_of(keys, "general.license") == "mit,apache-2.0");
  CHECK(reason_of(keys, "README.md:license.1") == "it is empty");
  CHECK(find_attr(keys.attrs, "general.base_model.count")->get<std::uint32_t>() == 2u);
  CHECK(reason_of(keys, "README.md:base_model.0.foo") == "no general.* key takes it");
  CHECK(reason_of(keys, "README.md:base_model.0.author") == "it is no text");
  CHECK(reason_of(keys, "README.md:base_model.1") == "it is no name of a model or data set");
}

TEST_CASE("generation_config.json gives sampling keys, and the rest of it is dropped with a reason") {
  CardInput input;
  input.directory_name = "m";
  input.generation_config = json(R"({"top_p": 1, "top_k": 20, "temperature": 0.6, "min_p": null, "penalty_last_n": 2.5,
      "mirostat": 3000000000, "mirostat_tau": 1e300, "xtc_threshold": "0.1", "repetition_penalty": 1.05,
      "do_sample": true, "sequence": "", "penalty_repeat": true})");
  const GeneralKeys keys = general_keys(input);
  CHECK(keys.attrs[1] == Attr::scalar("general.sampling.top_k", std::int32_t{20}));
  CHECK(keys.attrs[2] == Attr::scalar("general.sampling.top_p", 1.0F));
  CHECK(keys.attrs[3] == Attr::scalar("general.sampling.temp", 0.6F));
  CHECK(keys.attrs[4].key == "general.name");
  CHECK(is_used(keys, "generation_config.json:temperature", "general.sampling.temp"));
  for (const char* dropped : {"min_p", "penalty_last_n", "mirostat", "mirostat_tau", "xtc_threshold",
                              "repetition_penalty", "do_sample", "sequence", "penalty_repeat"})
    CHECK(reason_of(keys, std::string("generation_config.json:") + dropped) != "(not dropped)");
  CHECK(keys.used.size() + keys.dropped.size() == 12);
  CHECK(keys.warnings.size() == 5);
}

TEST_CASE("names come from the card, then from _name_or_path, then from the directory") {
  CardInput input;
  input.readme = "---\nmodel_name: From Card\n---\n";
  input.config = json(R"({"_name_or_path": "some-org/config-7B-chat"})");
  input.directory_name = "dir-13B-v2";
  const GeneralKeys keys = general_keys(input);
  CHECK(text_of(keys, "general.name") == "From Card");
  CHECK(text_of(keys, "general.organization") == "Some Org");
  CHECK(text_of(keys, "general.basename") == "config");
  CHECK(text_of(keys, "general.finetune") == "chat");
  CHECK(text_of(keys, "general.size_label") == "7B");
  CHECK(text_of(keys, "general.version") == "v2");
  CHECK(is_used(keys, "config.json:_name_or_path", "general.organization"));
}

TEST_CASE("a _name_or_path that is a path or no text is dropped") {
  CardInput input;
  input.directory_name = "dir";
  input.config = json(R"({"_name_or_path": "/home/me/model"})");
  CHECK(text_of(general_keys(input), "general.name") == "Dir");
  CHECK(reason_of(general_keys(input), "config.json:_name_or_path") == "it is a path, not a model's name");
  input.config = json(R"({"_name_or_path": 7})");
  CHECK(text_of(general_keys(input), "general.name") == "Dir");
  CHECK(general_keys(input).warnings.size() == 1);
}

TEST_CASE("front matter that is no mapping or cannot be read is dropped whole, and the names still come") {
  for (const char* readme : {"---\n- a\n---\n", "---\ntext\n---\n", "---\na: [\n---\n", "---\na: \xff\n---\n"}) {
    CAPTURE(readme);
    const GeneralKeys keys = general_keys(test::card_input(readme));
    CHECK(keys.warnings.size() == 1);
    CHECK(reason_of(keys, "README.md") != "(not dropped)");
    CHECK(text_of(keys, "general.name") == "Tiny Model 7B Chat");
  }
}

TEST_CASE("what lies below the front matter does not matter") {
  const GeneralKeys keys = general_keys(test::card_input("---\nlicense: mit\n---\n\xff\0---\nlicense: x\n"));
  CHECK(text_of(keys, "general.license") == "mit");
  CHECK(keys.warnings.empty());
}
