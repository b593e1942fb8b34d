// Any bytes as a recipe file: reading never crashes, and what it accepts explains itself and chooses for a small model.
#include "engine/plan/choose_by_recipe.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heirloom::plan;
  static const std::vector<RecipeTensor> tensors = {
      {"token_embd.weight", {4, 256}, "bf16"},      {"blk.0.attn_v.weight", {2, 256}, "bf16"},
      {"blk.0.ffn_down.weight", {2, 288}, "bf16"},  {"blk.1.ffn_up_exps.weight", {8, 2, 256}, "bf16"},
      {"blk.1.attn_output.weight", {2, 7}, "q8_0"}, {"blk.1.ffn_norm.weight", {256}, "f32"}};
  const auto& bases = built_in_recipes();
  if (!bases)
    std::abort();
  const auto recipes = read_recipes({reinterpret_cast<const char*>(data), size}, *bases);
  if (!recipes)
    return 0;
  for (const RecipeData& data_of_one : *recipes) {
    Recipe recipe;
    recipe.encoding = data_of_one.encoding;
    recipe.data = data_of_one;
    if (explain(data_of_one).size() < data_of_one.rules.size())
      std::abort();
    const auto choices = choose_by_recipe(tensors, model_facts("llama", 2, 8, 2, 8), recipe, false);
    if (choices && choices->size() != tensors.size())
      std::abort();
  }
  return 0;
}
