// Recipes choose as llama.cpp's quantizer does: recipe_table.txt holds what its library says for models of many shapes.
#include "engine/plan/choose_by_recipe.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace heirloom;

namespace {

struct Model {
  std::string title;
  plan::ModelFacts facts;
  std::vector<std::size_t> counts;  // tensors of each row
  std::vector<plan::RecipeTensor> tensors;
};

Model read_model(std::istream& line) {
  std::string architecture, title;
  std::uint64_t blocks = 0, heads = 0, kv_heads = 0, experts = 0;
  line >> architecture >> blocks >> heads >> kv_heads >> experts;
  std::getline(line, title);
  return {title, plan::model_facts(architecture, blocks, heads, kv_heads, experts), {}, {}};
}

void read_tensors(std::istream& line, Model& model) {
  std::string name;
  line >> name;
  std::vector<std::uint64_t> shape;
  for (std::uint64_t n = 0; line >> n;) shape.insert(shape.begin(), n);
  const std::size_t at = name.find("{i}");
  const std::size_t count = at == std::string::npos ? 1 : model.facts.blocks;
  for (std::size_t i = 0; i < count; ++i)
    model.tensors.push_back({at == std::string::npos ? name : std::string(name).replace(at, 3, std::to_string(i)), shape, "bf16"});
  model.counts.push_back(count);
}

// The choices in the table's words.
std::string chosen(const Model& model, const std::string& recipe_name, bool has_importance) {
  const auto recipe = plan::parse_recipe(recipe_name);
  REQUIRE_MESSAGE(recipe, recipe_name);
  const auto choices = plan::choose_by_recipe(model.tensors, model.facts, *recipe, has_importance);
  if (!choices)
    return "refused";
  std::string text;
  std::size_t next = 0;
  for (const std::size_t count : model.counts) {
    text += text.empty() ? "" : " |";
    for (const std::size_t end = next + count; next < end;) {
      const std::string& encoding = (*choices)[next].encoding;
      std::size_t run = 1;
      while (next + run < end && (*choices)[next + run].encoding == encoding) ++run;
      text += (text.empty() ? "" : " ") + encoding + (run == 1 ? "" : "*" + std::to_string(run));
      next += run;
    }
  }
  return text;
}

}  // namespace

TEST_CASE("every recipe gives every tensor of every model the encoding that llama.cpp gives it") {
  std::ifstream file(HEIRLOOM_SOURCE_DIR "/tests/unit/plan/recipe_table.txt");
  Model model;
  std::size_t compared = 0;
  for (std::string text; std::getline(file, text);) {
    std::istringstream line(text);
    std::string word, recipe, expected;
    line >> word;
    if (word == "#")
      continue;
    if (word == "model") {
      model = read_model(line);
      continue;
    }
    if (word == "tensor") {
      read_tensors(line, model);
      continue;
    }
    line >> recipe >> std::ws;
    std::getline(line, expected);
    CAPTURE(model.title);
    CAPTURE(recipe);
    for (const bool has_importance : {false, true}) {
      if (word != "both" && has_importance != (word == "with"))
        continue;
      CAPTURE(has_importance);
      CHECK(chosen(model, recipe, has_importance) == expected);
      ++compared;
    }
  }
  CHECK(compared == 11 * 34 * 2);
}
