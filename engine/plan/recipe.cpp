#include "engine/plan/recipe.hpp"

#include "engine/base/text.hpp"
#include "engine/encoding/codec.hpp"

#include <algorithm>
#include <cctype>

namespace heirloom::plan {
namespace {

constexpr std::uint32_t guessed_file_type = 1024;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool names_file(std::string_view name) { return name.find('/') != std::string_view::npos || name.ends_with(".json"); }

Result<std::string> encoding_named(std::string_view name, std::string_view option) {
  const std::string id = lower(name);
  const encoding::Codec* codec = encoding::find_codec(id);
  if (codec != nullptr && encoding::is_written(*codec))
    return id;
  std::string known;
  for (const encoding::Codec& row : encoding::codecs())
    if (encoding::is_written(row))
      known += (known.empty() ? "" : ", ") + std::string(row.id);
  return fail(Code::misuse, base::quoted(name) + ", given to " + std::string(option) +
                                ", is no encoding that this version writes; known are " + known);
}

Result<void> choose_base(std::string_view name, Recipe& recipe) {
  if (names_file(name)) {
    recipe.file = name;
    HEIRLOOM_TRY(recipe.data, read_recipe_file(recipe.file));
    recipe.encoding = recipe.data->encoding;
    return {};
  }
  const auto& built_in = built_in_recipes();
  if (!built_in)
    return fail(Error(built_in.error()));
  if (const RecipeData* found = find_recipe(*built_in, name)) {
    recipe.data = *found;
    recipe.encoding = found->encoding;
    return {};
  }
  if (const auto id = encoding_named(name, "--quantize")) {
    recipe.encoding = *id;
    return {};
  }
  std::string known;
  for (const RecipeData& row : *built_in)
    known += (known.empty() ? "" : ", ") + row.name;
  return fail(Code::misuse, base::quoted(name) + " is no recipe, encoding or recipe file (NAME.json); known are " + known +
                                " (heirloom recipes)");
}

Result<Override> parse_override(const std::string& text) {
  const std::size_t equals = text.rfind('=');
  if (equals == std::string::npos || equals == 0)
    return fail(Code::misuse, base::quoted(text) + " is not REGEX=ENCODING");
  HEIRLOOM_TRY(std::string encoding, encoding_named(std::string_view(text).substr(equals + 1), "--tensor-type"));
  HEIRLOOM_TRY(NamePattern pattern, compile_pattern(text.substr(0, equals), "--tensor-type"));
  return Override{std::move(pattern), std::move(encoding)};
}

}  // namespace

const std::string* Recipe::override_for(const std::string& tensor_name) const {
  for (const Override& row : overrides)
    if (row.pattern.matches(tensor_name))
      return &row.encoding;
  return nullptr;
}

Result<Recipe> parse_recipe(std::string_view name, const RecipeOptions& options) {
  Recipe recipe;
  if (!name.empty())
    HEIRLOOM_CHECK(choose_base(name, recipe));
  for (const std::string& text : options.tensor_types) {
    HEIRLOOM_TRY(Override parsed, parse_override(text));
    recipe.overrides.push_back(std::move(parsed));
  }
  if (!options.output_tensor_type.empty()) {
    HEIRLOOM_TRY(recipe.output_encoding, encoding_named(options.output_tensor_type, "--output-tensor-type"));
  }
  if (!options.token_embedding_type.empty()) {
    HEIRLOOM_TRY(recipe.token_embd_encoding, encoding_named(options.token_embedding_type, "--token-embedding-type"));
  }
  recipe.is_pure = options.is_pure;
  recipe.leaves_output = options.leaves_output;
  recipe.allows_requantize = options.allow_requantize;
  if (recipe.has_quantize_options() && !recipe.data)
    return fail(Code::misuse, "--pure, --leave-output-tensor, --output-tensor-type and --token-embedding-type change a recipe: "
                              "name one with --quantize (heirloom recipes)");
  return recipe;
}

std::uint32_t file_type_of(std::string_view encoding) {
  const auto& built_in = built_in_recipes();
  const RecipeData* recipe = built_in ? find_recipe(*built_in, encoding) : nullptr;
  return recipe == nullptr ? guessed_file_type : recipe->file_type.value_or(guessed_file_type);
}

}  // namespace heirloom::plan
