// Reading recipes from JSON: strict, each error with the field's path and what is allowed.
#include "engine/base/text.hpp"
#include "engine/encoding/codec.hpp"
#include "engine/model/json.hpp"
#include "engine/plan/recipe_rules.hpp"
#include "heirloom/encodings.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <span>

namespace heirloom::plan {
namespace {

using model::Json;

constexpr std::uintmax_t max_file_bytes = 1u << 20;
constexpr std::size_t max_rules = 10'000;

constexpr std::array kind_names = {
    std::string_view("output"), std::string_view("token_embd"),  std::string_view("attn_q"), std::string_view("attn_k"),
    std::string_view("attn_v"), std::string_view("attn_output"), std::string_view("ffn_up"), std::string_view("ffn_gate"),
    std::string_view("ffn_down"), std::string_view("other")};

std::string list_of(std::span<const std::string_view> items) {
  std::string text;
  for (const std::string_view item : items)
    text += (text.empty() ? "" : ", ") + std::string(item);
  return text;
}

// The members of one object. A wrong type is misuse with the member's path.
class Fields {
 public:
  static Result<Fields> of(const Json& json, std::string path, std::span<const std::string_view> known) {
    if (json.object() == nullptr)
      return fail(Code::misuse, path + " is not an object");
    for (const auto& [key, value] : *json.object())
      if (std::find(known.begin(), known.end(), key) == known.end())
        return fail(Code::misuse, path + " has no field " + base::quoted(key) + "; its fields are " + list_of(known));
    return Fields(json, std::move(path));
  }

  std::string path(std::string_view key) const { return path_ + "." + std::string(key); }
  const Json* find(std::string_view key) const { return json_->find(key); }

  Result<std::string> text(std::string_view key) const {
    const Json* value = find(key);
    if (value == nullptr)
      return std::string();
    if (value->text() == nullptr)
      return fail(Code::misuse, path(key) + " is not a text");
    return *value->text();
  }

  Result<std::string> required_text(std::string_view key) const {
    HEIRLOOM_TRY(std::string value, text(key));
    if (value.empty())
      return fail(Code::misuse, path(key) + " is absent or empty");
    return value;
  }

  Result<std::vector<std::string>> texts(std::string_view key) const {
    std::vector<std::string> values;
    const Json* value = find(key);
    if (value == nullptr)
      return values;
    const Json::Array* array = value->array();
    if (array == nullptr || array->empty())
      return fail(Code::misuse, path(key) + " is not a list of texts");
    for (const Json& item : *array) {
      if (item.text() == nullptr || item.text()->empty())
        return fail(Code::misuse, path(key) + " is not a list of texts");
      values.push_back(*item.text());
    }
    return values;
  }

  Result<std::optional<std::uint32_t>> whole(std::string_view key, std::uint32_t least) const {
    const Json* value = find(key);
    if (value == nullptr)
      return std::optional<std::uint32_t>();
    const auto number = value->integer();
    if (!number || *number < least || *number > std::numeric_limits<std::uint32_t>::max())
      return fail(Code::misuse, path(key) + " is not a whole number of at least " + std::to_string(least));
    return std::optional(static_cast<std::uint32_t>(*number));
  }

  Result<std::optional<bool>> boolean(std::string_view key) const {
    const Json* value = find(key);
    if (value == nullptr)
      return std::optional<bool>();
    if (value->boolean() == nullptr)
      return fail(Code::misuse, path(key) + " is neither true nor false");
    return std::optional(*value->boolean());
  }

 private:
  Fields(const Json& json, std::string path) : json_(&json), path_(std::move(path)) {}
  const Json* json_;
  std::string path_;
};

// One that a GGUF can hold and that numbers can be made into.
Result<void> check_encoding(const std::string& id, const std::string& path) {
  const encoding::Codec* codec = encoding::find_codec(id);
  const bool is_known = codec != nullptr && codec->kind != encoding::Kind::integer;
  if (is_known)
    return {};
  std::string known;
  for (const encoding::Codec& row : encoding::codecs())
    if (row.kind == encoding::Kind::block)
      known += ", " + std::string(row.id);
  return fail(Code::misuse, path + " names " + base::quoted(id) + "; encodings are f32, f16, bf16" + known);
}

Result<std::vector<TensorKind>> read_kinds(const Fields& fields) {
  HEIRLOOM_TRY(const auto names, fields.texts("tensors"));
  std::vector<TensorKind> kinds;
  for (const std::string& name : names) {
    const auto found = std::find(kind_names.begin(), kind_names.end(), name);
    if (found == kind_names.end())
      return fail(Code::misuse, fields.path("tensors") + " names " + base::quoted(name) + "; allowed are " + list_of(kind_names));
    kinds.push_back(static_cast<TensorKind>(found - kind_names.begin()));
  }
  return kinds;
}

Result<std::optional<Places>> read_places(const Fields& rule) {
  constexpr std::array known = {std::string_view("first"),      std::string_view("last"),
                                std::string_view("first_part"), std::string_view("last_part"),
                                std::string_view("every"),      std::string_view("except"),
                                std::string_view("by_count")};
  const Json* json = rule.find("places");
  if (json == nullptr)
    return std::optional<Places>();
  HEIRLOOM_TRY(const Fields fields, Fields::of(*json, rule.path("places"), known));
  Places places;
  bool has_part = false;
  for (const auto& [key, value] : {std::pair("first", &places.first), std::pair("last", &places.last),
                                   std::pair("first_part", &places.first_part),
                                   std::pair("last_part", &places.last_part), std::pair("every", &places.every)}) {
    HEIRLOOM_TRY(const auto number, fields.whole(key, 1));
    *value = number.value_or(0);
    has_part = has_part || number.has_value();
  }
  if (!has_part)
    return fail(Code::misuse, rule.path("places") + " names no place; its fields are " + list_of(known));
  HEIRLOOM_TRY(const auto is_except, fields.boolean("except"));
  HEIRLOOM_TRY(const auto is_by_count, fields.boolean("by_count"));
  places.is_except = is_except.value_or(false);
  places.is_by_count = is_by_count.value_or(false);
  return std::optional(places);
}

struct SharedRule {
  RecipeRule rule;
  std::vector<std::string> recipes;
};

Result<SharedRule> read_rule(const Json& json, const std::string& path) {
  constexpr std::array known = {
      std::string_view("recipes"), std::string_view("tensors"),      std::string_view("name"),
      std::string_view("places"),  std::string_view("architectures"), std::string_view("size"),
      std::string_view("heads_per_kv"), std::string_view("experts"), std::string_view("min_experts"),
      std::string_view("importance"), std::string_view("fits"),      std::string_view("stacked"),
      std::string_view("encoding")};
  HEIRLOOM_TRY(const Fields fields, Fields::of(json, path, known));
  SharedRule shared;
  RecipeRule& rule = shared.rule;
  HEIRLOOM_TRY(shared.recipes, fields.texts("recipes"));
  HEIRLOOM_TRY(rule.tensors, read_kinds(fields));
  HEIRLOOM_TRY(std::string name, fields.text("name"));
  if (!name.empty()) {
    HEIRLOOM_TRY(rule.name, compile_pattern(std::move(name), fields.path("name")));
  }
  HEIRLOOM_TRY(rule.places, read_places(fields));
  HEIRLOOM_TRY(rule.architectures, fields.texts("architectures"));
  HEIRLOOM_TRY(rule.size, fields.text("size"));
  if (!rule.size.empty() && rule.size != "70B")
    return fail(Code::misuse, fields.path("size") + " is " + base::quoted(rule.size) + "; \"70B\" is the only one known");
  HEIRLOOM_TRY(rule.heads_per_kv, fields.whole("heads_per_kv", 1));
  HEIRLOOM_TRY(rule.experts, fields.whole("experts", 0));
  HEIRLOOM_TRY(rule.min_experts, fields.whole("min_experts", 1));
  HEIRLOOM_TRY(rule.has_importance, fields.boolean("importance"));
  HEIRLOOM_TRY(rule.fits, fields.boolean("fits"));
  HEIRLOOM_TRY(rule.is_stacked, fields.boolean("stacked"));
  HEIRLOOM_TRY(rule.encoding, fields.text("encoding"));
  if (!rule.encoding.empty())
    HEIRLOOM_CHECK(check_encoding(rule.encoding, fields.path("encoding")));
  return shared;
}

// Takes the rules of a built-in recipe, and what this one does not say.
Result<void> add_base(const Fields& fields, std::span<const RecipeData> bases, const std::string& base_name,
                      RecipeData& recipe) {
  const RecipeData* base = find_recipe(bases, base_name);
  if (base == nullptr)
    return fail(Code::misuse, fields.path("base") + " is " + base::quoted(base_name) +
                                  ", which is no built-in recipe (heirloom recipes lists them)");
  if (fields.find("encoding") == nullptr)
    recipe.encoding = base->encoding;
  if (!recipe.file_type)
    recipe.file_type = base->file_type;
  for (const std::string& id : base->needs_importance)
    recipe.needs_importance.push_back(id);
  recipe.rules = base->rules;
  return {};
}

Result<RecipeData> read_recipe(const Json& json, const std::string& path, std::span<const RecipeData> bases) {
  constexpr std::array known = {std::string_view("name"),      std::string_view("aliases"),
                                std::string_view("title"),     std::string_view("bits_per_weight"),
                                std::string_view("encoding"),  std::string_view("file_type"),
                                std::string_view("converter"), std::string_view("needs_importance"),
                                std::string_view("base")};
  HEIRLOOM_TRY(const Fields fields, Fields::of(json, path, known));
  RecipeData recipe;
  HEIRLOOM_TRY(recipe.name, fields.required_text("name"));
  HEIRLOOM_TRY(recipe.aliases, fields.texts("aliases"));
  HEIRLOOM_TRY(recipe.title, fields.required_text("title"));
  if (const Json* bits = fields.find("bits_per_weight")) {
    recipe.bits_per_weight = bits->number();
    if (!recipe.bits_per_weight)
      return fail(Code::misuse, fields.path("bits_per_weight") + " is not a number");
  }
  HEIRLOOM_TRY(recipe.encoding, fields.text("encoding"));
  if (!recipe.encoding.empty())
    HEIRLOOM_CHECK(check_encoding(recipe.encoding, fields.path("encoding")));
  HEIRLOOM_TRY(recipe.file_type, fields.whole("file_type", 0));
  HEIRLOOM_TRY(const auto is_converter, fields.boolean("converter"));
  recipe.is_converter = is_converter.value_or(false);
  HEIRLOOM_TRY(recipe.needs_importance, fields.texts("needs_importance"));
  for (const std::string& id : recipe.needs_importance)
    HEIRLOOM_CHECK(check_encoding(id, fields.path("needs_importance")));
  HEIRLOOM_TRY(const std::string base_name, fields.text("base"));
  if (!base_name.empty())
    HEIRLOOM_CHECK(add_base(fields, bases, base_name, recipe));
  else if (fields.find("encoding") == nullptr)
    return fail(Code::misuse, path + " needs an \"encoding\", or a \"base\"");
  return recipe;
}

const Json::Array* array_of(const Json& json, std::string_view key) {
  const Json* value = json.find(key);
  return value == nullptr ? nullptr : value->array();
}

bool applies_to(const SharedRule& shared, const RecipeData& recipe) {
  return shared.recipes.empty() || std::find(shared.recipes.begin(), shared.recipes.end(), recipe.name) != shared.recipes.end();
}

Result<void> add_rules(const std::vector<SharedRule>& rules, std::vector<RecipeData>& recipes) {
  for (std::size_t i = 0; i < rules.size(); ++i)
    for (const std::string& name : rules[i].recipes)
      if (std::none_of(recipes.begin(), recipes.end(), [&](const RecipeData& recipe) { return recipe.name == name; }))
        return fail(Code::misuse, "rules[" + std::to_string(i) + "].recipes names " + base::quoted(name) +
                                      ", which is no recipe of this file");
  for (RecipeData& recipe : recipes) {
    std::vector<RecipeRule> all;
    for (const SharedRule& shared : rules)
      if (applies_to(shared, recipe))
        all.push_back(shared.rule);
    all.insert(all.end(), recipe.rules.begin(), recipe.rules.end());
    recipe.rules = std::move(all);
  }
  return {};
}

}  // namespace

std::string_view kind_name(TensorKind kind) { return kind_names[static_cast<std::size_t>(kind)]; }

Result<std::vector<RecipeData>> read_recipes(std::string_view json, std::span<const RecipeData> bases) {
  constexpr std::array known = {std::string_view("recipes"), std::string_view("rules")};
  HEIRLOOM_TRY(const Json root, model::parse_json(json));
  HEIRLOOM_CHECK(Fields::of(root, "the file", known));
  const Json::Array* listed = array_of(root, "recipes");
  if (listed == nullptr || listed->empty())
    return fail(Code::misuse, "\"recipes\" is not a list of recipes");
  std::vector<RecipeData> recipes;
  for (std::size_t i = 0; i < listed->size(); ++i) {
    HEIRLOOM_TRY(RecipeData recipe, read_recipe((*listed)[i], "recipes[" + std::to_string(i) + "]", bases));
    recipes.push_back(std::move(recipe));
  }
  std::vector<SharedRule> rules;
  if (root.find("rules") != nullptr) {
    const Json::Array* items = array_of(root, "rules");
    if (items == nullptr || items->size() > max_rules)
      return fail(Code::misuse, "\"rules\" is not a list of at most " + std::to_string(max_rules) + " rules");
    for (std::size_t i = 0; i < items->size(); ++i) {
      HEIRLOOM_TRY(SharedRule rule, read_rule((*items)[i], "rules[" + std::to_string(i) + "]"));
      rules.push_back(std::move(rule));
    }
  }
  HEIRLOOM_CHECK(add_rules(rules, recipes));
  return recipes;
}

Result<RecipeData> read_recipe_file(const std::filesystem::path& path) {
  const auto refuse = [&](Code code, std::string message, std::uint64_t position = no_position) {
    return fail(Error{code, std::move(message), position, path.string()});
  };
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    return refuse(Code::misuse, "a recipe is a regular file");
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  std::ifstream in(path, std::ios::binary);
  if (error || !in)
    return refuse(Code::io, "cannot read the recipe");
  if (size > max_file_bytes)
    return refuse(Code::misuse, "a recipe of " + std::to_string(size) + " bytes is too large");
  std::string text(size, '\0');
  in.read(text.data(), static_cast<std::streamsize>(size));
  text.resize(static_cast<std::size_t>(in.gcount()));
  const auto& built_in = built_in_recipes();
  if (!built_in)
    return fail(Error(built_in.error()));
  auto recipes = read_recipes(text, *built_in);
  if (!recipes)
    return refuse(recipes.error().code, "not a valid recipe: " + recipes.error().message, recipes.error().position);
  if (recipes->size() != 1)
    return refuse(Code::misuse, "holds " + std::to_string(recipes->size()) + " recipes; a file for --quantize holds one");
  return std::move(recipes->front());
}

}  // namespace heirloom::plan
