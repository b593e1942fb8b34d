// Checkpoints with the tokenizer keys that llama.cpp's converter makes of them: golden/NAME/, with expected.json in the
// form of a GGUF dump. HEIRLOOM_TOKENIZER_GOLDEN names another folder of the same form.
#pragma once

#include "tests/unit/tokenizer/files.hpp"

namespace heirloom::tokenizer::test {

struct Golden {
  std::string name;
  Files files;
  std::vector<std::string> kinds;
  model::Json keys;  // array of {key, type, value or n and sha256}
};

inline std::vector<Golden> read_goldens() {
  const char* folder = std::getenv("HEIRLOOM_TOKENIZER_GOLDEN");
  const std::filesystem::path root =
      folder != nullptr ? folder : std::filesystem::path(HEIRLOOM_SOURCE_DIR) / "tests/unit/tokenizer/golden";
  std::vector<Golden> all;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    Golden golden{entry.path().filename().string(), read_folder(entry.path()), {}, {}};
    const auto expected = model::parse_json(std::span<const std::uint8_t>(golden.files.at("expected.json")));
    REQUIRE(expected.has_value());
    for (const model::Json& kind : *expected->find("kinds")->array())
      golden.kinds.push_back(*kind.text());
    golden.keys = *expected->find("kv");
    golden.files.erase("expected.json");
    all.push_back(std::move(golden));
  }
  std::sort(all.begin(), all.end(), [](const Golden& a, const Golden& b) { return a.name < b.name; });
  return all;
}

}  // namespace heirloom::tokenizer::test
