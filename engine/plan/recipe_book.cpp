// The built-in recipes, and what recipes say in words.
#include "engine/base/text.hpp"
#include "engine/plan/recipe_rules.hpp"

#include <algorithm>
#include <cctype>
#include <span>

namespace heirloom::plan {
namespace {

struct BuiltInFile {
  std::string_view id;
  std::span<const unsigned char> bytes;
};

#include "built_in_recipes.inc"

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

Result<std::vector<RecipeData>> read_built_in() {
  std::vector<RecipeData> all;
  for (const BuiltInFile& file : built_in_files) {
    auto recipes = read_recipes({reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()}, {});
    if (!recipes)
      return fail(Code::internal, "built-in recipes " + std::string(file.id) + ": " + recipes.error().message);
    std::move(recipes->begin(), recipes->end(), std::back_inserter(all));
  }
  return all;
}

std::string joined(const std::vector<std::string>& items, const char* between) {
  std::string text;
  for (const std::string& item : items)
    text += (text.empty() ? "" : between) + item;
  return text;
}

std::string places_text(const Places& places) {
  std::vector<std::string> parts;
  if (places.first != 0)
    parts.push_back("the first " + std::to_string(places.first));
  if (places.first_part != 0)
    parts.push_back("the first 1/" + std::to_string(places.first_part));
  if (places.every != 0)
    parts.push_back("1 in " + std::to_string(places.every) + " of those after");
  if (places.last_part != 0)
    parts.push_back("the last 1/" + std::to_string(places.last_part));
  if (places.last != 0)
    parts.push_back("the last " + std::to_string(places.last));
  return (places.is_except ? "all layers but " : "") + joined(parts, ", ") + (places.is_except ? "" : " of the layers");
}

std::vector<std::string> conditions_of(const RecipeRule& rule) {
  std::vector<std::string> parts;
  if (!rule.architectures.empty())
    parts.push_back("architecture " + joined(rule.architectures, " or "));
  if (!rule.size.empty())
    parts.push_back("a " + rule.size + " model");
  if (rule.heads_per_kv)
    parts.push_back("at least " + std::to_string(*rule.heads_per_kv) + " heads to a key and value head");
  if (rule.experts)
    parts.push_back(std::to_string(*rule.experts) + " experts");
  if (rule.min_experts)
    parts.push_back("at least " + std::to_string(*rule.min_experts) + " experts");
  if (rule.has_importance)
    parts.push_back(*rule.has_importance ? "with an importance matrix" : "without an importance matrix");
  if (rule.fits)
    parts.push_back(*rule.fits ? "rows fit the recipe's blocks" : "rows do not fit the recipe's blocks");
  return parts;
}

}  // namespace

std::string describe(const RecipeRule& rule) {
  std::vector<std::string> kinds;
  for (const TensorKind kind : rule.tensors)
    kinds.emplace_back(kind_name(kind));
  std::string text = kinds.empty() ? "every tensor" : joined(kinds, ", ");
  if (rule.is_stacked)
    text += *rule.is_stacked ? " of several matrices" : " of one matrix";
  if (rule.name)
    text += " named like " + base::quoted(rule.name->text);
  if (rule.places)
    text += " in " + places_text(*rule.places);
  const auto conditions = conditions_of(rule);
  if (!conditions.empty())
    text += " (" + joined(conditions, ", ") + ")";
  return text;
}

const Result<std::vector<RecipeData>>& built_in_recipes() {
  static const Result<std::vector<RecipeData>> recipes = read_built_in();
  return recipes;
}

const RecipeData* find_recipe(std::span<const RecipeData> recipes, std::string_view name) {
  const auto found = std::find_if(recipes.begin(), recipes.end(), [&](const RecipeData& recipe) {
    return same_name(recipe.name, name) || std::any_of(recipe.aliases.begin(), recipe.aliases.end(),
                                                       [&](const std::string& alias) { return same_name(alias, name); });
  });
  return found == recipes.end() ? nullptr : &*found;
}

std::vector<std::string> explain(const RecipeData& recipe) {
  const std::string plain = recipe.encoding.empty() ? "as it is" : recipe.encoding;
  std::vector<std::string> lines, whom;
  for (const RecipeRule& rule : recipe.rules) {
    const std::string which = describe(rule);
    if (std::find(whom.begin(), whom.end(), which) != whom.end())
      continue;  // an earlier rule takes all that this one is for
    whom.push_back(which);
    lines.push_back(which + ": " + (rule.encoding.empty() ? plain : rule.encoding));
  }
  if (std::find(whom.begin(), whom.end(), describe(RecipeRule{})) == whom.end())
    lines.push_back((lines.empty() ? "every matrix: " : "every other matrix: ") + plain);
  return lines;
}

}  // namespace heirloom::plan
