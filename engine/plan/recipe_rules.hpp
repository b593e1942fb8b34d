// Recipes as data: formats/schema/recipe.fbs in memory. The built-in ones are formats/recipes/*.json, compiled in; users
// bring more in files of their own. Constant, usable from any thread.
#pragma once

#include "engine/plan/name_pattern.hpp"
#include "heirloom/result.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::plan {

enum class TensorKind { output, token_embd, attn_q, attn_k, attn_v, attn_output, ffn_up, ffn_gate, ffn_down, other };

// Place i of n tensors of a kind; 0 is a part that is absent.
struct Places {
  std::uint32_t first = 0, last = 0, first_part = 0, last_part = 0, every = 0;
  bool is_except = false;
  bool is_by_count = false;

  bool hold(std::uint64_t i, std::uint64_t n) const;
};

struct RecipeRule {
  std::vector<TensorKind> tensors = {};
  std::optional<NamePattern> name = {};
  std::optional<Places> places = {};
  std::vector<std::string> architectures = {};
  std::string size = {};
  std::optional<std::uint32_t> heads_per_kv = {}, experts = {}, min_experts = {};
  std::optional<bool> has_importance = {}, fits = {}, is_stacked = {};
  std::string encoding = {};                        // "" is the recipe's
};

struct RecipeData {
  std::string name;
  std::vector<std::string> aliases = {};
  std::string title = {};
  std::optional<double> bits_per_weight = {};
  std::string encoding = {};                        // "" keeps each tensor's
  std::optional<std::uint32_t> file_type = {};
  bool is_converter = false;                        // what llama.cpp's converter writes, from a Hugging Face checkpoint
  std::vector<std::string> needs_importance = {};
  std::vector<RecipeRule> rules = {};               // those of its file that apply to it, then its base's
};

// The recipes of a file's text; `bases` are what "base" may name. Errors name the field and what is allowed there.
Result<std::vector<RecipeData>> read_recipes(std::string_view json, std::span<const RecipeData> bases);

// A user's file, which holds one recipe. Errors name the file.
Result<RecipeData> read_recipe_file(const std::filesystem::path& path);

// In the order of their files. The error, which a test excludes, says which file is wrong.
const Result<std::vector<RecipeData>>& built_in_recipes();

// By name or alias, in any case; null when there is none.
const RecipeData* find_recipe(std::span<const RecipeData> recipes, std::string_view name);

std::string_view kind_name(TensorKind kind);

// Which tensors a rule is for, in words.
std::string describe(const RecipeRule& rule);
// What the recipe does, a line for each rule.
std::vector<std::string> explain(const RecipeData& recipe);

}  // namespace heirloom::plan
