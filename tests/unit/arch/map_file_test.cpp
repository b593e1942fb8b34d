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
  CHECK(all->find_by_class("MineForCausalLM", {}) != nullptr);
  CHECK(all->find_by_class("LlamaForCausalLM", {}) != nullptr);
  CHECK(all->find_by_class("Nobody", {}) == nullptr);
}

TEST_CASE("an error in a user's map names the file and the line") {
  struct Row {
    const char* text;
    const char* message;
  };
  const Row rows[] = {
      {"{\n \"id\": \"x\",\n \"colour\": 1\n}", "mine.json:3"},
      {"{", "mine.json:1"},
      {"{}", "id"},
      {"", "does not begin"},
      {" \n[]", "does not begin"},
      {"table Other { a:int; }", "does not begin"},
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
  const auto by_mark = arch::explain(maps(), {}, {Attr::text("general.architecture", "olmo2"),
                                                  Attr::scalar<std::uint32_t>("olmo2.attention.sliding_window", 4096)});
  for (const arch::Explanation& explanation : by_mark)
    CHECK(explanation.is_match == (explanation.map->id == "olmo3"));
  for (const arch::Explanation& explanation : arch::explain(maps(), {}, {}))
    CHECK_FALSE(explanation.is_match);
}

TEST_CASE("a user's map that contradicts itself or says nothing is refused with the field or rule") {
  struct Row {
    const char* from;
    const char* to;
    const char* message;
  };
  const Row rows[] = {
      {R"("id": "mine")", R"("id": "")", "\"id\" is empty"},
      {R"("gguf_name": "mine")", R"("gguf_name": "")", "\"gguf_name\" is empty"},
      {R"("layers": "num_hidden_layers")", R"("layers": "")", "\"layers\" is empty"},
      {R"(["MineForCausalLM"])", "[]", "\"hf_classes\" needs"},
      {R"(["MineForCausalLM"])", R"([""])", "\"hf_classes\" needs"},
      {R"({"hf": "a", "gguf": "b"})", R"({"gguf": "b"})", "needs \"hf\""},
      {R"({"hf": "a", "gguf": "b"})", R"({"hf": "b"})", "needs a \"reason\""},
      {R"({"hf": "a", "gguf": "b"})", R"({"hf": "a", "gguf": "b"}, {"hf": "a", "gguf": "c"})", "the same \"hf\""},
      {R"({"hf": "a", "gguf": "b"})", R"({"hf": "a", "gguf": "b"}, {"hf": "c", "gguf": "b"})", "the same \"hf\""},
      {R"("gguf": "b")", R"("gguf": "b", "shape": ["hidden_size*"])", "the dimension \"hidden_size*\" lacks a key"},
      {R"("gguf": "b")", R"("gguf": "b", "verbs": [{"verb": "turn_round"}])", "turn_round"},
      {R"("gguf": "b")", R"("gguf": "b", "verbs": [{"verb": "spilt"}])", "did you mean \"split\"? VerbKind has rope_permute, "},
      {R"("gguf": "b")", R"("gguf": "b", "shpae": ["hidden_size"])", "did you mean \"shape\"? "},
  };
  TempDirectory directory;
  for (const Row& row : rows) {
    CAPTURE(row.to);
    std::string text = minimal;
    text.replace(text.find(row.from), std::string_view(row.from).size(), row.to);
    write_file(directory / "mine.json", text);
    const auto map = arch::read_map_file(directory / "mine.json");
    REQUIRE_FALSE(map);
    CHECK(map.error().code == Code::misuse);
    CHECK(map.error().message.find(row.message) != std::string::npos);
  }
}

TEST_CASE("a map is a regular file of sensible size") {
  TempDirectory directory;
  CHECK(arch::read_map_file(directory / ".").error().message.find("regular file") != std::string::npos);
  CHECK(arch::read_map_file("/dev/zero").error().message.find("regular file") != std::string::npos);
  write_file(directory / "large.json", "{");
  std::filesystem::resize_file(directory / "large.json", std::uintmax_t{1} << 40);
  CHECK(arch::read_map_file(directory / "large.json").error().message.find("too large") != std::string::npos);
}

TEST_CASE("rope_permute wants the rows of whole heads even where a rule has no shape") {
  TempDirectory directory;
  std::string text = minimal;
  text.replace(text.find(R"("gguf": "b")"), 11, R"("gguf": "b", "verbs": [{"verb": "rope_permute", "heads": ["num_attention_heads"]}])");
  write_file(directory / "mine.json", text);
  const auto map = arch::read_map_file(directory / "mine.json");
  REQUIRE(map);
  Checkpoint checkpoint{"safetensors"};
  checkpoint.tensors = {{"a", "f32", {16, 3}}};
  CHECK(arch::map_to_gguf(**map, {&checkpoint}, {0}, llama_config()));
  for (const auto& [rows, message] : {std::pair{32u, "32 rows are not the 4 heads of 4 rows"},
                                      std::pair{12u, "not whole pairs"}, std::pair{0u, "holds no weights"}}) {
    checkpoint.tensors.front().shape.front() = rows;
    const auto mapping = arch::map_to_gguf(**map, {&checkpoint}, {0}, llama_config());
    REQUIRE_FALSE(mapping);
    CHECK(mapping.error().message.find(message) != std::string::npos);
    CHECK(mapping.error().tensor == "a");
  }
}
