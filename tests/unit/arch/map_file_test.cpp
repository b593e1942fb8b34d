#include "tests/support/temp_directory.hpp"
#include "tests/unit/arch/support.hpp"

#include <doctest/doctest.h>

using namespace heirloom;
using namespace heirloom::test;

namespace {

constexpr const char* minimal = R"({
  "id": "mine", "title": "Mine", "since": "1", "hf_classes": ["MineForCausalLM"], "model_type": "mine",
  "gguf_name": "mine", "layers": "num_hidden_layers",
  "tensors": [ {"hf": "a", "gguf": "b"} ]
})";

}  // namespace

TEST_CASE("a user's map is read and wins over built-in ones") {
  TempDirectory directory;
  write_file(directory / "mine.json", minimal);
  const std::filesystem::path files[] = {directory / "mine.json"};
  const auto all = arch::Maps::load(files);
  REQUIRE(all);
  CHECK(all->all().front()->id == "mine");
  CHECK(all->find_by_class("MineForCausalLM") != nullptr);
  CHECK(all->find_by_class("LlamaForCausalLM") != nullptr);
  CHECK(all->find_by_class("Nobody") == nullptr);
}

TEST_CASE("an error in a user's map names the file, the line and where to read what is allowed") {
  struct Row {
    const char* text;
    const char* message;
  };
  const Row rows[] = {
      {"{\n \"id\": \"x\",\n \"colour\": 1\n}", "mine.json:3"},
      {"{", "mine.json:1"},
      {"{}", "id"},
      {R"({"id": "x", "title": "", "since": "", "hf_classes": [], "model_type": "", "gguf_name": "", "layers": "",
           "tensors": [{"gguf": "b"}]})", "needs \"hf\""},
      {R"({"id": "x", "title": "", "since": "", "hf_classes": [], "model_type": "", "gguf_name": "", "layers": "",
           "tensors": [{"hf": "b"}]})", "needs a \"reason\""},
      {R"({"id": "x", "title": "", "since": "", "hf_classes": [], "model_type": "", "gguf_name": "", "layers": "",
           "tensors": [{"hf": "b", "gguf": "c", "verbs": [{"verb": "turn_round"}]}]})", "turn_round"},
  };
  TempDirectory directory;
  for (const Row& row : rows) {
    CAPTURE(row.text);
    write_file(directory / "mine.json", row.text);
    const auto map = arch::read_map_file(directory / "mine.json");
    REQUIRE_FALSE(map);
    CHECK(map.error().file.ends_with("mine.json"));
    CHECK(map.error().message.find(row.message) != std::string::npos);
  }
  CHECK(arch::read_map_file(directory / "none.json").error().code == Code::io);
}

TEST_CASE("explain says for each map whether it matches and why not") {
  const auto by_class = arch::explain(maps(), llama_config(), {});
  REQUIRE(by_class.size() == maps().all().size());
  for (const arch::Explanation& explanation : by_class) {
    CHECK(explanation.is_match == (explanation.map->id == "llama"));
    CHECK(explanation.reason.find("LlamaForCausalLM") != std::string::npos);
  }
  const auto by_key = arch::explain(maps(), {}, {Attr::text("general.architecture", "olmo2")});
  for (const arch::Explanation& explanation : by_key)
    CHECK(explanation.is_match == (explanation.map->id == "olmo2"));
  for (const arch::Explanation& explanation : arch::explain(maps(), {}, {}))
    CHECK_FALSE(explanation.is_match);
}
