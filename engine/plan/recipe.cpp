#include "engine/plan/recipe.hpp"

#include "engine/base/text.hpp"
#include "engine/encoding/codec.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace heirloom::plan {
namespace {

// Numbers: formats/facts/gguf.md#file-types.
constexpr std::uint32_t guessed_file_type = 1024;
constexpr std::array names = {
    RecipeName{"F32", "f32", 0, "binary32, nothing lost"},
    RecipeName{"F16", "f16", 1, "binary16 for matrices, binary32 for vectors"},
    RecipeName{"BF16", "bf16", 32, "bfloat16 for matrices, binary32 for vectors"},
    RecipeName{"Q8_0", "q8_0", 7, "8.5 bits per weight: 32 signed bytes and one scale"},
    RecipeName{"Q4_0", "q4_0", 2, "4.5 bits per weight: 32 nibbles and one scale, for every matrix"},
};

// Bounds on what std::regex recurses over.
constexpr std::size_t max_pattern_bytes = 1000;
constexpr std::size_t max_pattern_depth = 50;
constexpr std::size_t max_searched_bytes = 4096;

Result<std::regex> compile(const std::string& pattern) {
  if (pattern.size() > max_pattern_bytes)
    return fail(Code::misuse, "a pattern of --tensor-type has " + std::to_string(pattern.size()) + " bytes, at most " +
                                  std::to_string(max_pattern_bytes) + " are allowed");
  std::size_t depth = 0;
  for (const char c : pattern) {
    if (c == '(' && ++depth > max_pattern_depth)
      return fail(Code::misuse, base::quoted(pattern) + " nests more than " + std::to_string(max_pattern_depth) +
                                    " parentheses");
    if (c == ')' && depth > 0)
      --depth;
  }
  try {
    return std::regex(pattern, std::regex::ECMAScript | std::regex::optimize);
  } catch (const std::regex_error& error) {
    return fail(Code::misuse, base::quoted(pattern) + " is not a regular expression: " + error.what());
  }
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

Result<std::string> encoding_named(std::string_view name) {
  const std::string id = lower(name);
  const encoding::Codec* codec = encoding::find_codec(id);
  if (codec != nullptr && codec->encode != nullptr)
    return id;
  std::string known;
  for (const RecipeName& recipe : names)
    known += (known.empty() ? "" : ", ") + std::string(recipe.name);
  return fail(Code::misuse, base::quoted(name) + " is no recipe or encoding that this version writes; known are " + known +
                                " (heirloom recipes)");
}

}  // namespace

std::span<const RecipeName> recipe_names() { return names; }

const std::string* Recipe::override_for(const std::string& tensor_name) const {
  if (tensor_name.size() > max_searched_bytes)
    return nullptr;
  for (auto it = overrides.rbegin(); it != overrides.rend(); ++it)
    if (std::regex_search(tensor_name, it->regex))
      return &it->encoding;
  return nullptr;
}

Result<Recipe> parse_recipe(std::string_view name, std::span<const std::string> overrides) {
  Recipe recipe;
  if (!name.empty()) {
    HEIRLOOM_TRY(recipe.encoding, encoding_named(name));
  }
  for (const std::string& text : overrides) {
    const std::size_t equals = text.rfind('=');
    if (equals == std::string::npos || equals == 0)
      return fail(Code::misuse, base::quoted(text) + " is not REGEX=ENCODING");
    Override parsed{text.substr(0, equals), {}, {}};
    HEIRLOOM_TRY(parsed.encoding, encoding_named(std::string_view(text).substr(equals + 1)));
    HEIRLOOM_TRY(parsed.regex, compile(parsed.pattern));
    recipe.overrides.push_back(std::move(parsed));
  }
  return recipe;
}

std::uint32_t file_type_of(std::string_view encoding) {
  for (const RecipeName& recipe : names)
    if (recipe.encoding == encoding)
      return recipe.file_type;
  return guessed_file_type;
}

}  // namespace heirloom::plan
