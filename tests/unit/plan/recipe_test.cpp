#include "engine/plan/recipe.hpp"

#include <doctest/doctest.h>

#include <set>

using heirloom::plan::parse_recipe;

TEST_CASE("a recipe is llama.cpp's name or alias in any case; another encoding's id is that for every matrix") {
  CHECK(parse_recipe("q8_0")->encoding == "q8_0");
  CHECK(parse_recipe("BF16")->encoding == "bf16");
  CHECK(parse_recipe("")->encoding.empty());
  CHECK(parse_recipe("q4_k")->data->name == "Q4_K_M");
  CHECK_FALSE(parse_recipe("mxfp4")->data);
  CHECK(parse_recipe("mxfp4")->encoding == "mxfp4");
}

TEST_CASE("every name that llama-quantize takes is a recipe") {
  const auto& recipes = heirloom::plan::built_in_recipes();
  REQUIRE_MESSAGE(recipes, (recipes ? "" : recipes.error().message));
  for (const char* name :
       {"Q1_0",   "Q2_0",   "Q4_0",   "Q4_1",    "MXFP4_MOE", "Q5_0",   "Q5_1",   "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M", "IQ1_S",
        "IQ1_M",  "TQ1_0",  "TQ2_0",  "Q2_K",    "Q2_K_S",    "IQ3_XXS", "IQ3_S",  "IQ3_M",   "Q3_K",   "IQ3_XS", "Q3_K_S", "Q3_K_M",
        "Q3_K_L", "IQ4_NL", "IQ4_XS", "Q4_K",    "Q4_K_S",    "Q4_K_M", "Q5_K",   "Q5_K_S",  "Q5_K_M", "Q6_K",  "Q8_0",  "F16",
        "BF16",   "F32",    "COPY"}) {
    CAPTURE(name);
    CHECK(heirloom::plan::find_recipe(*recipes, name) != nullptr);
  }
}

TEST_CASE("what cannot be written is refused with the list of what can") {
  for (const char* name : {"Q4_K_X", "nonsense", "u8x"}) {
    const auto recipe = parse_recipe(name);
    REQUIRE_FALSE(recipe);
    CHECK(recipe.error().code == heirloom::Code::misuse);
    CHECK(recipe.error().message.find("Q8_0") != std::string::npos);
  }
}

TEST_CASE("the first override that matches wins in any case, and a broken one says what is wrong") {
  const auto recipe = parse_recipe("Q8_0", {.tensor_types = {"ATTN_Q=F16", "attn_.*=Q4_0"}});
  REQUIRE(recipe);
  CHECK(*recipe->override_for("blk.0.attn_k.weight") == "q4_0");
  CHECK(*recipe->override_for("blk.0.attn_q.weight") == "f16");
  CHECK(recipe->override_for("blk.0.ffn_up.weight") == nullptr);
  for (const char* text : {"attn", "=F16", "(=F16", "attn=F17"})
    CHECK_FALSE(parse_recipe("", {.tensor_types = {text}}));
}

TEST_CASE("options that change a recipe want one") {
  CHECK(parse_recipe("Q4_K_M", {.is_pure = true}));
  for (const char* name : {"", "mxfp4"}) {
    const auto recipe = parse_recipe(name, {.output_tensor_type = "q8_0"});
    REQUIRE_FALSE(recipe);
    CHECK(recipe.error().message.find("--output-tensor-type") != std::string::npos);
  }
}

TEST_CASE("patterns that are long or deep are refused, and names above 4 KiB match none") {
  const std::vector<std::string> refused = {std::string(1001, 'a') + "=F16",
                                            std::string(51, '(') + "a" + std::string(51, ')') + "=F16"};
  for (const std::string& text : refused) {
    const auto recipe = parse_recipe("", {.tensor_types = {text}});
    REQUIRE_FALSE(recipe);
    CHECK(recipe.error().code == heirloom::Code::misuse);
  }
  const auto deep = parse_recipe("", {.tensor_types = {std::string(50, '(') + "a" + std::string(50, ')') + "=F16"}});
  REQUIRE(deep);
  CHECK(deep->override_for(std::string(4096, 'a')) != nullptr);
  CHECK(deep->override_for(std::string(4097, 'a')) == nullptr);
}

TEST_CASE("an encoding without a number of its own makes the file type a guess") {
  CHECK(heirloom::plan::file_type_of("f64") == 1024);
}

TEST_CASE("an explanation has one line for each kind of tensor, and a last one only where something is left for it") {
  for (const auto& recipe : *heirloom::plan::built_in_recipes()) {
    CAPTURE(recipe.name);
    std::set<std::string> whom;
    for (const std::string& line : heirloom::plan::explain(recipe))
      CHECK(whom.insert(line.substr(0, line.rfind(": "))).second);
    CHECK((whom.count("every tensor") + whom.count("every matrix") + whom.count("every other matrix")) == 1);
  }
}
