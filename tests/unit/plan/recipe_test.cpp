#include "engine/plan/recipe.hpp"

#include <doctest/doctest.h>

using heirloom::plan::parse_recipe;

TEST_CASE("a recipe is llama.cpp's name in any case, and every one listed can be written") {
  CHECK(parse_recipe("q8_0", {})->encoding == "q8_0");
  CHECK(parse_recipe("BF16", {})->encoding == "bf16");
  CHECK(parse_recipe("", {})->encoding.empty());
  for (const auto& recipe : heirloom::plan::recipe_names()) {
    CHECK(parse_recipe(recipe.name, {})->encoding == recipe.encoding);
    CHECK(heirloom::plan::file_type_of(recipe.encoding) == recipe.file_type);
  }
}

TEST_CASE("what cannot be written is refused with the list of what can") {
  for (const char* name : {"Q4_K_M", "nonsense", "u8x"}) {
    const auto recipe = parse_recipe(name, {});
    REQUIRE_FALSE(recipe);
    CHECK(recipe.error().code == heirloom::Code::misuse);
    CHECK(recipe.error().message.find("Q8_0") != std::string::npos);
  }
}

TEST_CASE("the last override that matches wins, and a broken one says what is wrong") {
  const std::vector<std::string> overrides = {"attn_.*=Q4_0", "attn_q=F16"};
  const auto recipe = parse_recipe("Q8_0", overrides);
  REQUIRE(recipe);
  CHECK(*recipe->override_for("blk.0.attn_k.weight") == "q4_0");
  CHECK(*recipe->override_for("blk.0.attn_q.weight") == "f16");
  CHECK(recipe->override_for("blk.0.ffn_up.weight") == nullptr);
  for (const char* text : {"attn", "=F16", "(=F16", "attn=F17"})
    CHECK_FALSE(parse_recipe("", std::vector<std::string>{text}));
}

TEST_CASE("patterns that are long or deep are refused, and names above 4 KiB match none") {
  const std::vector<std::string> refused = {std::string(1001, 'a') + "=F16",
                                            std::string(51, '(') + "a" + std::string(51, ')') + "=F16"};
  for (const std::string& text : refused) {
    const auto recipe = parse_recipe("", std::vector<std::string>{text});
    REQUIRE_FALSE(recipe);
    CHECK(recipe.error().code == heirloom::Code::misuse);
  }
  const auto deep = parse_recipe("", std::vector<std::string>{std::string(50, '(') + "a" + std::string(50, ')') + "=F16"});
  REQUIRE(deep);
  CHECK(deep->override_for(std::string(4096, 'a')) != nullptr);
  CHECK(deep->override_for(std::string(4097, 'a')) == nullptr);
}

TEST_CASE("an encoding without a number of its own makes the file type a guess") {
  CHECK(heirloom::plan::file_type_of("f64") == 1024);
}
