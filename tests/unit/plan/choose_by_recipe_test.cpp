// What changes a recipe, in llama-quantize's order of precedence. The rules themselves are in recipe_table_test.cpp.
#include "engine/plan/choose_by_recipe.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

using namespace heirloom;
using plan::RecipeTensor;

namespace {

const std::vector<RecipeTensor> untied = {{"token_embd.weight", {4, 256}, "bf16"},
                                          {"output.weight", {4, 256}, "bf16"},
                                          {"blk.0.attn_v.weight", {2, 256}, "bf16"},
                                          {"blk.0.attn_norm.weight", {256}, "f32"},
                                          {"blk.0.ffn_down.weight", {2, 288}, "bf16"},
                                          {"blk.0.attn_rel_b.weight", {4, 256}, "f16"}};
const std::vector<RecipeTensor> tied = {untied[0], untied[2]};
const plan::ModelFacts facts = plan::model_facts("llama", 1, 8, 8, 0);

Result<std::map<std::string, plan::Choice>> choose(const std::vector<RecipeTensor>& tensors, const char* name,
                                                   const plan::RecipeOptions& options = {}) {
  const auto recipe = plan::parse_recipe(name, options);
  REQUIRE(recipe);
  HEIRLOOM_TRY(const auto choices, plan::choose_by_recipe(tensors, facts, *recipe, false));
  std::map<std::string, plan::Choice> named;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    named[tensors[i].name] = choices[i];
  return named;
}

std::string chosen(const std::vector<RecipeTensor>& tensors, const char* name, const plan::RecipeOptions& options,
                   const char* tensor) {
  const auto choices = choose(tensors, name, options);
  return choices ? choices->at(tensor).encoding : choices.error().message;
}

}  // namespace

TEST_CASE("an option for the output or the embeddings wins over --tensor-type, which wins over rules and --pure") {
  struct Row {
    plan::RecipeOptions options;
    const char* tensor;
    const char* encoding;
  };
  const Row rows[] = {
      {{}, "output.weight", "q6_k"},
      {{.output_tensor_type = "q5_k"}, "output.weight", "q5_k"},
      {{.tensor_types = {"output=q3_k"}}, "output.weight", "q3_k"},
      {{.tensor_types = {"output=q3_k"}, .output_tensor_type = "q5_k"}, "output.weight", "q5_k"},
      {{.tensor_types = {"weight=q3_k"}, .token_embedding_type = "q8_0"}, "token_embd.weight", "q8_0"},
      {{.is_pure = true}, "output.weight", "q4_k"},
      {{.tensor_types = {"output=q3_k"}, .is_pure = true}, "output.weight", "q3_k"},
      {{.leaves_output = true}, "output.weight", "bf16"},
      {{.output_tensor_type = "q5_k", .leaves_output = true}, "output.weight", "bf16"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.encoding);
    CHECK(chosen(untied, "Q4_K_M", row.options, row.tensor) == row.encoding);
  }
}

TEST_CASE("token embeddings that are the output are treated as the output, unless something names them") {
  CHECK(chosen(tied, "Q4_K_M", {}, "token_embd.weight") == "q6_k");
  CHECK(chosen(tied, "Q4_K_M", {.output_tensor_type = "q5_k"}, "token_embd.weight") == "q5_k");
  CHECK(chosen(tied, "Q4_K_M", {.tensor_types = {"token=q3_k"}, .output_tensor_type = "q5_k"}, "token_embd.weight") == "q3_k");
  CHECK(chosen(tied, "Q4_K_M", {.output_tensor_type = "q5_k", .token_embedding_type = "q8_0"}, "token_embd.weight") == "q8_0");
  CHECK(chosen(tied, "Q4_K_M", {.output_tensor_type = "q5_k", .is_pure = true}, "token_embd.weight") == "q4_k");
}

TEST_CASE("what is never quantized keeps its encoding whatever is asked for") {
  const plan::RecipeOptions all = {.tensor_types = {"weight=q8_0"}};
  CHECK(chosen(untied, "Q4_K_M", all, "blk.0.attn_norm.weight") == "f32");
  CHECK(chosen(untied, "Q4_K_M", all, "blk.0.attn_rel_b.weight") == "f16");
  CHECK(chosen(untied, "COPY", all, "blk.0.attn_v.weight") == "bf16");
}

TEST_CASE("rows that do not fit take the encoding that stands in, with a reason, also when an option asked") {
  const auto choices = choose(untied, "Q5_K_S");
  REQUIRE(choices);
  const plan::Choice& choice = choices->at("blk.0.ffn_down.weight");
  CHECK(choice.encoding == "q5_1");
  CHECK(choice.note == "rows of 288 do not fit q5_k, q5_1 instead");
  CHECK(choice.is_fallback);
  CHECK_FALSE(choices->at("blk.0.attn_v.weight").is_fallback);
  CHECK(chosen(untied, "Q5_K_S", {.tensor_types = {"ffn_down=q3_k"}}, "blk.0.ffn_down.weight") == "q4_0");
  const auto refused = choose(untied, "Q5_K_S", {.tensor_types = {"ffn_down=q1_0"}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().tensor == "blk.0.ffn_down.weight");
  CHECK(refused.error().message.find("--tensor-type") != std::string::npos);
}

TEST_CASE("a rule that was applied is the note of the choice") {
  const auto choices = choose(untied, "Q4_K_M");
  REQUIRE(choices);
  CHECK(choices->at("output.weight").note == "Q4_K_M: output");
  CHECK(choices->at("token_embd.weight").note.empty());
}

TEST_CASE("what is quantized already is quantized again only when allowed, and copied where nothing changes") {
  std::vector<RecipeTensor> tensors = untied;
  tensors[2].encoding = "q8_0";
  const auto refused = choose(tensors, "Q4_K_M");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::misuse);
  CHECK(refused.error().tensor == "blk.0.attn_v.weight");
  CHECK(refused.error().message.find("--allow-requantize") != std::string::npos);
  CHECK(chosen(tensors, "Q4_K_M", {.allow_requantize = true}, "blk.0.attn_v.weight") == "q6_k");
  CHECK(chosen(tensors, "Q8_0", {}, "blk.0.attn_v.weight") == "q8_0");
}

TEST_CASE("MXFP4_MOE takes experts by their names in BailingMoE 3, whose attention is stacked too") {
  const std::vector<RecipeTensor> tensors = {{"blk.0.attn_k_b.weight", {3, 2, 256}, "bf16"},
                                             {"blk.0.ffn_up_exps.weight", {4, 2, 256}, "bf16"}};
  const auto recipe = plan::parse_recipe("MXFP4_MOE").value();
  const auto of = [&](const char* architecture) {
    const auto choices = plan::choose_by_recipe(tensors, plan::model_facts(architecture, 1, 8, 2, 4), recipe, false).value();
    return choices[0].encoding + " " + choices[1].encoding;
  };
  CHECK(of("bailingmoe3") == "q8_0 mxfp4");
  CHECK(of("deepseek2") == "mxfp4 mxfp4");
}

TEST_CASE("tensors go outside blocks first, then by the block's number, then by name") {
  const std::vector<RecipeTensor> tensors = {{"blk.10.a.weight", {1}, "f32"}, {"blk.2.b.weight", {1}, "f32"},
                                             {"token_embd.weight", {1}, "f32"}, {"blk.2.a.weight", {1}, "f32"},
                                             {"output.weight", {1}, "f32"}};
  CHECK(plan::quantize_order(tensors) == std::vector<std::size_t>{4, 2, 3, 1, 0});
}

TEST_CASE("facts of a model are read from its keys, heads of the first layer where each has its own") {
  const auto read = plan::model_facts(std::vector<Attr>{
      Attr::text("general.architecture", "llama"), Attr::scalar<std::uint32_t>("llama.block_count", 80),
      Attr::array<std::uint32_t>("llama.attention.head_count", {64, 32}),
      Attr::array<std::int32_t>("llama.attention.head_count_kv", {8, 4}), Attr::scalar<std::uint32_t>("llama.expert_count", 0)});
  CHECK(read.blocks == 80);
  CHECK(read.heads_per_kv == 8);
  CHECK(read.experts == 0);
  CHECK(read.is_70b);
  CHECK_FALSE(plan::model_facts("llama", 80, 64, 64, 0).is_70b);
  CHECK(plan::model_facts("jais2", 68, 56, 56, 0).is_70b);
  CHECK_FALSE(plan::model_facts("qwen3", 80, 64, 8, 0).is_70b);
  CHECK(plan::model_facts("olmo", 80, 64, 64, 0).is_70b);
  CHECK(plan::model_facts("mamba", 48, 0, 0, 0).heads_per_kv == 0);
}
