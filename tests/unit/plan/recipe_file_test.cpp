// Recipe files of users: the same vocabulary as the built-in ones, and errors that say what is wrong and what is allowed.
#include "engine/plan/choose_by_recipe.hpp"

#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace heirloom;
using plan::RecipeTensor;

namespace {

plan::Recipe recipe_of(const std::string& json, const plan::RecipeOptions& options = {}) {
  const test::TempDirectory directory;
  test::write_file(directory / "mine.json", json);
  auto recipe = plan::parse_recipe((directory / "mine.json").string(), options);
  REQUIRE_MESSAGE(recipe, (recipe ? "" : recipe.error().message));
  return std::move(*recipe);
}

std::vector<RecipeTensor> model(std::size_t layers) {
  std::vector<RecipeTensor> tensors = {{"token_embd.weight", {4, 256}, "bf16"}, {"output.weight", {4, 256}, "bf16"}};
  for (std::size_t i = 0; i < layers; ++i)
    for (const char* part : {"attn_q", "attn_v", "ffn_down"})
      tensors.push_back({"blk." + std::to_string(i) + "." + part + ".weight", {2, 256}, "bf16"});
  return tensors;
}

std::string encoding_of(const plan::Recipe& recipe, const std::string& name, std::size_t layers = 8) {
  const auto tensors = model(layers);
  const auto choices = plan::choose_by_recipe(tensors, plan::model_facts("llama", layers, 8, 8, 0), recipe, false);
  REQUIRE(choices);
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (tensors[i].name == name)
      return (*choices)[i].encoding;
  return "";
}

}  // namespace

TEST_CASE("a recipe of one's own says which tensors get what, the first rule that fits decides") {
  const auto recipe = recipe_of(R"({
    "recipes": [{"name": "mine", "title": "mine", "encoding": "q4_k", "file_type": 15}],
    "rules": [{"name": "blk\\.3\\.", "encoding": "q8_0"},
              {"tensors": ["ffn_down"], "places": {"first": 1, "last": 1}, "encoding": "q6_k"},
              {"tensors": ["ffn_down", "attn_q"], "encoding": "q5_k"}]})");
  CHECK(encoding_of(recipe, "blk.3.ffn_down.weight") == "q8_0");
  CHECK(encoding_of(recipe, "blk.0.ffn_down.weight") == "q6_k");
  CHECK(encoding_of(recipe, "blk.7.ffn_down.weight") == "q6_k");
  CHECK(encoding_of(recipe, "blk.1.ffn_down.weight") == "q5_k");
  CHECK(encoding_of(recipe, "blk.0.attn_q.weight") == "q5_k");
  CHECK(encoding_of(recipe, "output.weight") == "q4_k");
  CHECK(recipe.follows_quantize());
}

TEST_CASE("a recipe that has a base says only what is different") {
  const auto recipe = recipe_of(R"({"recipes": [{"name": "mine", "title": "mine", "base": "Q4_K_M"}],
                                    "rules": [{"tensors": ["attn_v"], "encoding": "q8_0"}]})");
  CHECK(recipe.data->file_type == 15);
  CHECK(encoding_of(recipe, "blk.0.attn_v.weight") == "q8_0");
  CHECK(encoding_of(recipe, "blk.0.ffn_down.weight") == "q6_k");
  CHECK(encoding_of(recipe, "blk.1.ffn_down.weight") == "q4_k");
}

TEST_CASE("a recipe may leave all tensors as they are but those that its rules name") {
  for (const char* encoding : {"", "bf16"}) {
    CAPTURE(encoding);
    const auto recipe = recipe_of(R"({"recipes": [{"name": "mine", "title": "mine", "encoding": ")" + std::string(encoding) +
                                  R"("}], "rules": [{"tensors": ["ffn_down"], "encoding": "mxfp4"}]})");
    CHECK(encoding_of(recipe, "blk.0.ffn_down.weight") == "mxfp4");
    CHECK(encoding_of(recipe, "blk.0.attn_v.weight") == "bf16");
  }
}

TEST_CASE("places count from either end, by part, and by every so many") {
  struct Row {
    plan::Places places;
    std::vector<std::uint64_t> held;  // of 16
  };
  const Row rows[] = {
      {{.first = 2}, {0, 1}},
      {{.last = 3}, {13, 14, 15}},
      {{.first_part = 8}, {0, 1}},
      {{.last_part = 8}, {14, 15}},
      {{.first_part = 8, .last_part = 8, .every = 3}, {0, 1, 4, 7, 10, 13, 14, 15}},
      {{.every = 5}, {4, 9, 14}},
      {{.first = 14, .is_except = true}, {14, 15}},
  };
  for (const Row& row : rows) {
    std::vector<std::uint64_t> held;
    for (std::uint64_t i = 0; i < 16; ++i)
      if (row.places.hold(i, 16))
        held.push_back(i);
    CHECK(held == row.held);
  }
}

TEST_CASE("what is wrong in a recipe file is named with its place and what is allowed there") {
  struct Row {
    const char* json;
    const char* message;
  };
  const std::string head = R"({"recipes": [{"name": "x", "title": "x", "encoding": "q4_k"}], "rules": [)";
  const Row rows[] = {
      {R"({"tensor": ["attn_v"]})", "rules[0] has no field \"tensor\"; its fields are recipes, tensors"},
      {R"({"tensors": ["attn_w"]})", "rules[0].tensors names \"attn_w\"; allowed are output, token_embd"},
      {R"({"tensors": []})", "rules[0].tensors is not a list of texts"},
      {R"({"encoding": "q4_x"})", "rules[0].encoding names \"q4_x\"; encodings are f32, f16, bf16"},
      {R"({"places": {}})", "rules[0].places names no place"},
      {R"({"places": {"first": 0}})", "rules[0].places.first is not a whole number of at least 1"},
      {R"({"places": {"first": 1.5}})", "rules[0].places.first is not a whole number"},
      {R"({"importance": "yes"})", "rules[0].importance is neither true nor false"},
      {R"({"size": "7B"})", "rules[0].size is \"7B\""},
      {R"({"name": "("})", "is not a regular expression"},
      {R"({"recipes": ["y"]})", "rules[0].recipes names \"y\", which is no recipe of this file"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.json);
    const auto recipes = plan::read_recipes(head + row.json + "]}", {});
    REQUIRE_FALSE(recipes);
    CHECK_MESSAGE(recipes.error().message.find(row.message) != std::string::npos, recipes.error().message);
  }
  for (const char* json : {"[]", "{}", R"({"recipes": []})", R"({"recipes": [{"name": "x", "title": "x"}]})",
                           R"({"recipes": [{"name": "x", "title": "x", "base": "Q4_K_X"}]})"})
    CHECK_FALSE(plan::read_recipes(json, {}));
}

TEST_CASE("an error of a recipe file names the file, and where the text stops being JSON the byte") {
  const test::TempDirectory directory;
  test::write_file(directory / "mine.json", R"({"recipes": [)");
  const auto broken = plan::parse_recipe((directory / "mine.json").string());
  REQUIRE_FALSE(broken);
  CHECK(broken.error().file.ends_with("mine.json"));
  CHECK(broken.error().position != no_position);
  const auto absent = plan::parse_recipe((directory / "other.json").string());
  REQUIRE_FALSE(absent);
  CHECK(absent.error().code == Code::io);
  const auto folder = plan::parse_recipe(directory.path().string() + "/");
  REQUIRE_FALSE(folder);
  CHECK(folder.error().message.find("regular file") != std::string::npos);
}
