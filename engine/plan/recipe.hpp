// What a user asks for with --quantize and its companions: a recipe by name or from a file, or one encoding for all
// tensors that can have it, and what overrides it.
#pragma once

#include "engine/plan/recipe_rules.hpp"
#include "heirloom/nouns.hpp"
#include "heirloom/result.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::plan {

struct Override {
  NamePattern pattern;        // searched in the output's tensor name
  std::string encoding;
};

struct Recipe {
  std::string encoding;                   // of plain matrices; "" keeps each tensor's own
  std::vector<Override> overrides = {};
  std::optional<RecipeData> data = {};    // a named recipe or a file's; else one encoding for all, or none
  std::string output_encoding = {};       // --output-tensor-type
  std::string token_embd_encoding = {};   // --token-embedding-type
  std::filesystem::path file = {};        // of a user that it was read from; "" without
  bool is_pure = false;                   // --pure: no rules
  bool leaves_output = false;             // --leave-output-tensor
  bool allows_requantize = false;         // --allow-requantize

  // The encoding that an override names, or null. The first one that matches wins, as llama-quantize has it.
  const std::string* override_for(const std::string& tensor_name) const;

  // An option was given that llama-quantize has and its converter has not.
  bool has_quantize_options() const {
    return !output_encoding.empty() || !token_embd_encoding.empty() || is_pure || leaves_output;
  }
  // What llama-quantize makes of a Hugging Face checkpoint's plain GGUF, rather than what the converter makes: order of
  // tensors and keys, and the choice of encodings.
  bool follows_quantize() const { return data.has_value() && (!data->is_converter || has_quantize_options()); }
};

struct RecipeOptions {
  std::vector<std::string> tensor_types = {};  // "REGEX=ENCODING"
  std::string output_tensor_type = {};
  std::string token_embedding_type = {};
  bool is_pure = false;
  bool leaves_output = false;
  bool allow_requantize = false;
};

// `name` is "", a recipe's name in any case, the path of a recipe file (with a "/" or ending in ".json"), or an encoding's
// id. Misuse names what is known.
Result<Recipe> parse_recipe(std::string_view name, const RecipeOptions& options = {});

// general.file_type of a model whose matrices are mostly of this encoding; "a guess" (1024) when there is no number for
// it (formats/facts/gguf.md#file-types).
std::uint32_t file_type_of(std::string_view encoding);

}  // namespace heirloom::plan
