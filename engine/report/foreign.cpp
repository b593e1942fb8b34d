#include "engine/report/verify.hpp"

#include "engine/base/text.hpp"
#include "engine/report/table.hpp"
#include "engine/report/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace heirloom::report {
namespace {

using record::Foreign;
using record::Made;
using record::MadeTensor;
using record::RecipeMatch;

constexpr std::array verdict_names = {"exact", "different", "other shape", "not in the source", "not in the file"};
constexpr std::size_t max_misses_shown = 8;

std::string_view name_of(Made verdict) { return verdict_names[static_cast<std::size_t>(verdict)]; }

std::string way_text(const record::Way& way) {
  std::string text = way.via.empty() ? "" : "by way of " + way.via;
  if (way.is_weighted)
    text += text.empty() ? "with the importance matrix" : ", with the importance matrix";
  return text;
}

std::string detail(const MadeTensor& tensor) {
  if (tensor.verdict == Made::other_shape)
    return shape_text(tensor.from_shape) + " in the source, " + shape_text(tensor.shape) + " here";
  if (tensor.verdict != Made::different)
    return "";
  std::string text = tensor.why;
  if (tensor.tally.blocks != 0) {
    text += fmt::format("{}{} of {} blocks differ, the first at element {}", text.empty() ? "" : "; ", grouped(tensor.tally.differing),
                        grouped(tensor.tally.blocks), tensor.tally.first);
    const std::string way = way_text(tensor.way);
    text += way.empty() ? "" : " (" + way + ")";
  }
  if (tensor.error)
    text += fmt::format("{}error against the source: rmse {:.6g} ({:.4g}%), largest {:.6g}", text.empty() ? "" : "; ",
                        tensor.error->rmse, 100 * tensor.error->relative_rmse, tensor.error->max_error);
  return text;
}

std::string recipe_text(const RecipeMatch& recipe) {
  if (!recipe.name.empty()) {
    std::string text = "recipe: " + recipe.name;
    for (std::size_t i = 0; i < recipe.also.size(); ++i)
      text += (i == 0 ? " (as would " : ", ") + recipe.also[i];
    return text + (recipe.also.empty() ? "\n" : ")\n");
  }
  if (recipe.nearest.empty())
    return "";
  std::string text = fmt::format("recipe: none that is known; nearest is {}, which would choose otherwise for {}:\n", recipe.nearest,
                                 recipe.misses.size() == 1 ? "1 tensor" : fmt::format("{} tensors", recipe.misses.size()));
  for (std::size_t i = 0; i < std::min(recipe.misses.size(), max_misses_shown); ++i)
    text += fmt::format("  {}: {} here, {} by the recipe\n", base::quoted(recipe.misses[i].tensor), recipe.misses[i].encoding,
                        recipe.misses[i].expected);
  if (recipe.misses.size() > max_misses_shown)
    text += fmt::format("  and {} more\n", recipe.misses.size() - max_misses_shown);
  return text;
}

// "96 tensors: 90 exact, 6 different".
std::string counts_text(const Foreign& foreign) {
  std::array<std::size_t, verdict_names.size()> counts{};
  for (const MadeTensor& tensor : foreign.tensors)
    ++counts[static_cast<std::size_t>(tensor.verdict)];
  std::string text = fmt::format("{} tensors:", foreign.tensors.size());
  const char* separator = " ";
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] != 0) {
      text += fmt::format("{}{} {}", separator, counts[i], verdict_names[i]);
      separator = ", ";
    }
  return text + "\n";
}

// How the exact ones were made, where that is not plain.
std::string ways_text(const Foreign& foreign) {
  std::vector<std::pair<record::Way, std::size_t>> ways;
  for (const MadeTensor& tensor : foreign.tensors) {
    if (tensor.verdict != Made::exact || tensor.way == record::Way{})
      continue;
    auto found = std::find_if(ways.begin(), ways.end(), [&](const auto& known) { return known.first == tensor.way; });
    if (found == ways.end())
      found = ways.insert(found, {tensor.way, 0});
    ++found->second;
  }
  std::string text;
  for (const auto& [way, count] : ways)
    text += fmt::format("{} of the exact {} made {}\n", count, count == 1 ? "is" : "are", way_text(way));
  return text;
}

Json to_json(const MadeTensor& tensor) {
  Json json = {{"name", tensor.name},       {"verdict", name_of(tensor.verdict)}, {"from", tensor.from},
               {"encoding", tensor.encoding}, {"from_shape", tensor.from_shape},    {"shape", tensor.shape}};
  json["via"] = tensor.way.via;
  json["has_importance"] = tensor.way.is_weighted;
  if (tensor.verdict != Made::different)
    return json;
  json["why"] = tensor.why;
  json["blocks"] = tensor.tally.blocks;
  json["differing_blocks"] = tensor.tally.differing;
  json["first_differing"] = tensor.tally.differing == 0 ? Json() : Json(tensor.tally.first);
  if (tensor.error)
    json["error"] = {{"rmse", float_json(tensor.error->rmse)},
                     {"relative_rmse", float_json(tensor.error->relative_rmse)},
                     {"max", float_json(tensor.error->max_error)},
                     {"cosine", float_json(tensor.error->cosine)}};
  return json;
}

}  // namespace

std::string foreign_text(const Foreign& foreign) {
  std::string text = recipe_text(foreign.recipe);
  Table table({"tensor", "verdict", "from", "encoding", "detail"});
  for (const MadeTensor& tensor : foreign.tensors)
    if (tensor.verdict != Made::exact)
      table.add({base::quoted(tensor.name), std::string(name_of(tensor.verdict)), tensor.from, tensor.encoding, detail(tensor)});
  if (!table.is_empty())
    text += table.text();
  text += counts_text(foreign) + ways_text(foreign);
  if (!foreign.is_exact && foreign.has_importance_keys)
    text += "the file says that it was made with an importance matrix: --imatrix FILE takes the same one\n";
  return text;
}

std::string foreign_json(const Foreign& foreign) {
  Json json;
  json["is_exact"] = foreign.is_exact;
  json["recipe"] = foreign.recipe.name.empty() ? Json() : Json(foreign.recipe.name);
  json["same_recipes"] = foreign.recipe.also;
  json["nearest_recipe"] = foreign.recipe.nearest.empty() ? Json() : Json(foreign.recipe.nearest);
  json["misses"] = Json::array();
  for (const record::RecipeMiss& miss : foreign.recipe.misses)
    json["misses"].push_back({{"tensor", miss.tensor}, {"encoding", miss.encoding}, {"expected", miss.expected}});
  json["tensors"] = Json::array();
  for (const MadeTensor& tensor : foreign.tensors)
    json["tensors"].push_back(to_json(tensor));
  return dump(json);
}

}  // namespace heirloom::report
