#include "engine/record/recipe_match.hpp"

#include <doctest/doctest.h>

using namespace heirloom;
using namespace heirloom::record;

namespace {

// A model of one block from bf16 numbers, and the file that somebody made of it.
struct Pair {
  std::vector<plan::PlanTensor> tensors;
  model::Source theirs;

  Pair() {
    theirs.checkpoint.format = "gguf";
    theirs.checkpoint.attrs = {Attr::text("general.architecture", "llama"), Attr::scalar("llama.block_count", std::uint32_t{1}),
                               Attr::scalar("llama.attention.head_count", std::uint32_t{4})};
  }
  void add(const std::string& name, std::vector<std::uint64_t> shape, const std::string& encoding) {
    tensors.push_back({name, "bf16", shape, plan::Action::convert});
    theirs.checkpoint.tensors.push_back({name, encoding, std::move(shape)});
  }
};

Pair q4_k_m() {
  Pair pair;
  pair.add("token_embd.weight", {512, 256}, "q4_k");
  pair.add("output.weight", {512, 256}, "q6_k");
  pair.add("output_norm.weight", {256}, "f32");
  pair.add("blk.0.attn_v.weight", {256, 256}, "q6_k");
  pair.add("blk.0.attn_q.weight", {256, 256}, "q4_k");
  pair.add("blk.0.ffn_down.weight", {256, 512}, "q6_k");
  return pair;
}

}  // namespace

TEST_CASE("a recipe is named by the encodings that it chooses") {
  const Pair pair = q4_k_m();
  const RecipeMatch match = match_recipe(pair.tensors, pair.theirs, false);
  CHECK(match.name == "Q4_K_M");
  CHECK(match.misses.empty());
}

TEST_CASE("of recipes that choose alike, general.file_type says which") {
  Pair pair;
  pair.add("token_embd.weight", {512, 256}, "q8_0");
  pair.add("blk.0.attn_norm.weight", {256}, "f32");
  pair.add("blk.0.attn_q.weight", {256, 256}, "q8_0");
  const RecipeMatch plain = match_recipe(pair.tensors, pair.theirs, false);
  CHECK(plain.name == "Q8_0");
  REQUIRE_FALSE(plain.also.empty());
  pair.theirs.checkpoint.attrs.push_back(Attr::scalar("general.file_type", std::uint32_t{38}));
  CHECK(match_recipe(pair.tensors, pair.theirs, false).name == plain.also.front());
}

TEST_CASE("where no recipe chose them all, the nearest is named with what it would choose otherwise") {
  Pair pair = q4_k_m();
  pair.theirs.checkpoint.tensors[4].encoding = "q5_0";
  const RecipeMatch match = match_recipe(pair.tensors, pair.theirs, false);
  CHECK(match.name.empty());
  CHECK(match.nearest == "Q4_K_M");
  REQUIRE(match.misses.size() == 1);
  CHECK(match.misses[0].tensor == "blk.0.attn_q.weight");
  CHECK(match.misses[0].encoding == "q5_0");
  CHECK(match.misses[0].expected == "q4_k");
}

TEST_CASE("in another container than GGUF the one encoding that was changed to is the recipe") {
  Pair pair;
  pair.theirs.checkpoint.format = "safetensors";
  pair.add("a", {4, 4}, "f16");
  pair.add("b", {4}, "bf16");
  CHECK(match_recipe(pair.tensors, pair.theirs, false).name == "f16");
  pair.add("c", {4}, "f32");
  CHECK(match_recipe(pair.tensors, pair.theirs, false).name.empty());
}
