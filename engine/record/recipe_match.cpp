#include "engine/record/recipe_match.hpp"

#include "engine/plan/choose_by_recipe.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <utility>

namespace heirloom::record {
namespace {

using plan::PlanTensor;
using plan::Recipe;
using plan::RecipeData;

constexpr std::string_view file_type_key = "general.file_type";
constexpr std::string_view importance_prefix = "quantize.imatrix.";

// The tensors that both have.
struct Pair {
  const PlanTensor* source;
  const std::string* encoding;  // theirs
};

std::vector<Pair> pairs_of(const std::vector<PlanTensor>& tensors, const Checkpoint& theirs) {
  std::map<std::string_view, const std::string*> by_name;
  for (const Tensor& tensor : theirs.tensors)
    by_name.emplace(tensor.name, &tensor.encoding);
  std::vector<Pair> pairs;
  for (const PlanTensor& tensor : tensors)
    if (const auto found = by_name.find(tensor.name); found != by_name.end())
      pairs.push_back({&tensor, found->second});
  return pairs;
}

// As ggml counts dimensions.
std::vector<std::uint64_t> without_leading_ones(std::span<const std::uint64_t> shape) {
  while (shape.size() > 1 && shape.front() == 1)
    shape = shape.subspan(1);
  return {shape.begin(), shape.end()};
}

bool is_literal(const PlanTensor& tensor) { return tensor.action == plan::Action::literal; }

// What llama.cpp's converter chooses. Nothing where it refuses.
std::optional<std::vector<std::string>> converted(std::span<const Pair> pairs, const Recipe& recipe) {
  std::vector<std::string> encodings;
  for (const Pair& pair : pairs) {
    const auto shape = without_leading_ones(pair.source->shape);
    const auto choice = is_literal(*pair.source)
                            ? Result<plan::Choice>(plan::Choice{"f32"})
                            : plan::choose_for_gguf(pair.source->name, shape, pair.source->encoding, recipe);
    if (!choice)
      return std::nullopt;
    encodings.push_back(choice->encoding);
  }
  return encodings;
}

// What llama-quantize chooses for a file that has the encodings `kept`.
std::optional<std::vector<std::string>> quantized(std::span<const Pair> pairs, const std::vector<std::string>& kept,
                                                  const Recipe& recipe, const plan::ModelFacts& facts, bool has_importance) {
  std::vector<plan::RecipeTensor> listed;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    listed.push_back({pairs[i].source->name, without_leading_ones(pairs[i].source->shape), kept[i]});
  const auto choices = plan::choose_by_recipe(listed, facts, recipe, has_importance);
  if (!choices)
    return std::nullopt;
  std::vector<std::string> encodings;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    encodings.push_back(is_literal(*pairs[i].source) ? "f32" : (*choices)[i].encoding);
  return encodings;
}

std::vector<RecipeMiss> misses_of(std::span<const Pair> pairs, const std::vector<std::string>& expected) {
  std::vector<RecipeMiss> misses;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    if (*pairs[i].encoding != expected[i])
      misses.push_back({pairs[i].source->name, *pairs[i].encoding, expected[i]});
  return misses;
}

class Matcher {
 public:
  Matcher(std::span<const Pair> pairs, const Checkpoint& theirs, bool is_source_gguf)
      : pairs_(pairs), facts_(plan::model_facts(theirs.attrs)) {
    std::vector<std::string> own;
    for (const Pair& pair : pairs)
      own.push_back(pair.source->encoding);
    kept_.push_back(std::move(own));
    for (const char* between : {"", "f32", "f16", "bf16"})
      if (auto made = is_source_gguf ? std::nullopt : converted(pairs, Recipe{between}))
        kept_.push_back(std::move(*made));
    has_importance_ = std::any_of(theirs.attrs.begin(), theirs.attrs.end(),
                                  [](const Attr& attr) { return attr.key.starts_with(importance_prefix); });
  }

  // The fewest misses over what may have been between, with and without an importance.
  std::optional<std::vector<RecipeMiss>> best(const RecipeData& data) const {
    Recipe recipe{data.encoding, {}, data};
    recipe.allows_requantize = true;
    std::optional<std::vector<RecipeMiss>> best;
    const auto consider = [&](const std::optional<std::vector<std::string>>& expected) {
      if (!expected)
        return;
      auto misses = misses_of(pairs_, *expected);
      if (!best || misses.size() < best->size())
        best = std::move(misses);
    };
    if (data.is_converter)
      consider(converted(pairs_, recipe));
    for (const std::vector<std::string>& kept : kept_)
      for (const bool has_importance : {has_importance_, !has_importance_})
        consider(quantized(pairs_, kept, recipe, facts_, has_importance));
    return best;
  }

 private:
  std::span<const Pair> pairs_;
  plan::ModelFacts facts_;
  std::vector<std::vector<std::string>> kept_;
  bool has_importance_ = false;
};

// One encoding for what was changed.
RecipeMatch match_plain(std::span<const Pair> pairs) {
  RecipeMatch match;
  std::map<std::string_view, std::uint64_t> counts;
  for (const Pair& pair : pairs)
    if (*pair.encoding != pair.source->encoding)
      ++counts[*pair.encoding];
  if (counts.size() == 1)
    match.name = counts.begin()->first;
  return match;
}

}  // namespace

RecipeMatch match_recipe(const std::vector<PlanTensor>& tensors, const model::Source& theirs, bool is_source_gguf) {
  const std::vector<Pair> pairs = pairs_of(tensors, theirs.checkpoint);
  const auto& recipes = plan::built_in_recipes();
  if (theirs.checkpoint.format != "gguf" || !recipes || pairs.empty())
    return match_plain(pairs);
  const Attr* said = find_attr(theirs.checkpoint.attrs, file_type_key);
  const auto number = said == nullptr ? std::nullopt : said->get<std::uint32_t>();
  std::vector<const RecipeData*> order;
  for (const RecipeData& data : *recipes)
    if (!data.encoding.empty() || !data.rules.empty())
      order.push_back(&data);
  // Of recipes that choose alike the one that the file names comes first, then the plainest.
  const auto rank = [&](const RecipeData* data) { return std::pair(!number || data->file_type != number, data->rules.size()); };
  std::stable_sort(order.begin(), order.end(), [&](const RecipeData* a, const RecipeData* b) { return rank(a) < rank(b); });
  const Matcher matcher(pairs, theirs.checkpoint, is_source_gguf);
  RecipeMatch match;
  std::optional<std::vector<RecipeMiss>> nearest;
  for (const RecipeData* data : order) {
    auto misses = matcher.best(*data);
    if (misses && misses->empty()) {
      if (match.name.empty())
        match.name = data->name;
      else
        match.also.push_back(data->name);
    } else if (misses && (!nearest || misses->size() < nearest->size())) {
      nearest = std::move(misses);
      match.nearest = data->name;
    }
  }
  if (!match.name.empty())
    match.nearest.clear();
  else if (nearest)
    match.misses = std::move(*nearest);
  return match;
}

}  // namespace heirloom::record
