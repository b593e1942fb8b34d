// Checkpoints with the tokenizer keys that llama.cpp's converter makes of them: golden/NAME/, with expected.json in the
// form of a GGUF dump and what the architecture map of the family says about tokenizers. HEIRLOOM_TOKENIZER_GOLDEN names
// another folder of the same form.
#pragma once

#include "tests/unit/tokenizer/files.hpp"

namespace heirloom::tokenizer::test {

struct Golden {
  std::string name;
  Files files;
  ToGguf options;
  model::Json keys;  // array of {key, type, value or n and sha256}
};

inline ToGguf options_of(const model::Json& expected) {
  ToGguf options;
  for (const model::Json& kind : *expected.find("kinds")->array())
    options.kinds.push_back(*kind.text());
  options.writes_space_prefix = expected.find("writes_space_prefix") != nullptr;
  if (const model::Json* list = expected.find("user_defined_tokens"))
    for (const model::Json& text : *list->array())
      options.user_defined_tokens.push_back(*text.text());
  if (const model::Json* list = expected.find("special_tokens"))
    for (const model::Json& entry : *list->array()) {
      WantedToken token{*entry.find("role")->text()};
      if (const model::Json* text = entry.find("text"))
        token.text = *text->text();
      if (const model::Json* id = entry.find("id"))
        token.id = static_cast<std::uint64_t>(*id->integer());
      token.is_added = entry.find("is_added") != nullptr;
      options.special_tokens.push_back(std::move(token));
    }
  return options;
}

inline std::vector<Golden> read_goldens() {
  const char* folder = std::getenv("HEIRLOOM_TOKENIZER_GOLDEN");
  const std::filesystem::path root =
      folder != nullptr ? folder : std::filesystem::path(HEIRLOOM_SOURCE_DIR) / "tests/unit/tokenizer/golden";
  std::vector<Golden> all;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    Golden golden{entry.path().filename().string(), read_folder(entry.path()), {}, {}};
    const auto expected = model::parse_json(std::span<const std::uint8_t>(golden.files.at("expected.json")));
    REQUIRE(expected.has_value());
    golden.options = options_of(*expected);
    golden.keys = *expected->find("kv");
    golden.files.erase("expected.json");
    all.push_back(std::move(golden));
  }
  std::sort(all.begin(), all.end(), [](const Golden& a, const Golden& b) { return a.name < b.name; });
  return all;
}

}  // namespace heirloom::tokenizer::test
