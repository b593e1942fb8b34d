// Recipes: which encoding each tensor gets. A recipe here is one encoding for all tensors that can have it, under
// llama.cpp's name or the encoding's own, and per-tensor overrides.
#pragma once

#include "heirloom/nouns.hpp"
#include "heirloom/result.hpp"

#include <cstdint>
#include <regex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::plan {

struct RecipeName {
  std::string_view name;      // as llama.cpp spells it
  std::string_view encoding;
  std::uint32_t file_type;    // general.file_type
  std::string_view help;
};
std::span<const RecipeName> recipe_names();

struct Override {
  std::string pattern;
  std::regex regex;           // searched in the output's tensor name
  std::string encoding;
};

struct Recipe {
  std::string encoding;       // "" keeps each tensor's own
  std::vector<Override> overrides;

  // The encoding that an override names, or null. The last one that matches wins. No pattern matches a name above 4 KiB.
  const std::string* override_for(const std::string& tensor_name) const;
};

// `name` is "" or a recipe's name in any case; each override is "REGEX=ENCODING", the
// expression of at most 1,000 bytes and 50 nested parentheses. Misuse names what is known.
Result<Recipe> parse_recipe(std::string_view name, std::span<const std::string> overrides);

// general.file_type of a model whose matrices are mostly of this encoding; "a guess" (1024) when there is no number for
// it (formats/facts/gguf.md#file-types).
std::uint32_t file_type_of(std::string_view encoding);

}  // namespace heirloom::plan
