// What llama-quantize makes of a GGUF (formats/facts/recipes.md).
#include "engine/base/text.hpp"
#include "engine/plan/choose_by_recipe.hpp"
#include "engine/plan/dominant.hpp"
#include "engine/plan/inventory.hpp"
#include "engine/plan/planner_parts.hpp"

#include <algorithm>
#include <array>

namespace heirloom::plan {
namespace {

constexpr std::string_view version_key = "general.quantization_version";
constexpr std::string_view file_type_key = "general.file_type";
constexpr std::array split_keys = {std::string_view("split.no"), std::string_view("split.count"),
                                   std::string_view("split.tensors.count")};

// A file that is only copied keeps its number.
std::uint32_t file_type_for(const Recipe& recipe, const Plan& plan) {
  if (recipe.data->file_type)
    return *recipe.data->file_type;
  const Attr* kept = find_attr(plan.target.attrs, file_type_key);
  const auto number = kept == nullptr ? std::nullopt : kept->get<std::uint32_t>();
  return recipe.encoding.empty() && number ? *number : file_type_of(dominant_encoding(plan.tensors));
}

// As ggml counts dimensions.
void drop_leading_ones(std::vector<std::uint64_t>& shape) {
  const auto first = std::find_if(shape.begin(), shape.end(), [](std::uint64_t n) { return n != 1; });
  shape.erase(shape.begin(), first == shape.end() && !shape.empty() ? first - 1 : first);
}

}  // namespace

Result<void> add_by_recipe(const Request& request, std::vector<arch::MappedTensor> tensors,
                           const std::vector<std::string>& kept, const std::vector<Attr>& keys, Plan& plan) {
  std::vector<RecipeTensor> listed;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    drop_leading_ones(tensors[i].shape);
    listed.push_back({tensors[i].name, tensors[i].shape, kept[i]});
  }
  const bool has_importance = request.importance != nullptr && !request.importance->entries.empty();
  HEIRLOOM_TRY(auto choices, choose_by_recipe(listed, model_facts(keys), request.recipe, has_importance));
  const Checkpoint& source = request.source->checkpoint;
  for (const std::size_t i : quantize_order(listed)) {
    Choice& choice = choices[i];
    if (tensors[i].is_synthesized()) {
      choice = {"f32", "computed from the configuration"};
    } else {
      HEIRLOOM_TRY(const std::string from, encoding_of(source, tensors[i]));
      HEIRLOOM_CHECK(check_convertible(tensors[i].name, from, choice.encoding));
    }
    if (choice.is_fallback)
      plan.warnings.push_back(base::quoted(tensors[i].name) + ": " + choice.note);
    add_tensor(plan, source, std::move(tensors[i]), std::move(choice.encoding), std::move(choice.note));
  }
  return {};
}

void set_quantize_keys(std::uint32_t file_type, std::vector<Attr>& attrs) {
  std::erase_if(attrs, [](const Attr& attr) { return attr.key == version_key || attr.key == file_type_key; });
  attrs.push_back(Attr::scalar(std::string(version_key), quantization_version));
  attrs.push_back(Attr::scalar(std::string(file_type_key), file_type));
}

Result<void> plan_quantize(const Request& request, const View& view, Plan& plan) {
  const Checkpoint& source = request.source->checkpoint;
  std::vector<arch::MappedTensor> tensors;
  std::vector<std::string> kept;
  for (std::uint32_t i = 0; i < source.tensors.size(); ++i) {
    tensors.push_back({source.tensors[i].name, source.tensors[i].shape, view.arrangements[i]});
    kept.push_back(source.tensors[i].encoding);
  }
  HEIRLOOM_CHECK(add_by_recipe(request, std::move(tensors), kept, source.attrs, plan));
  for (const Attr& attr : source.attrs) {
    const std::string item = item_of(*request.source, attr);
    if (std::find(split_keys.begin(), split_keys.end(), attr.key) != split_keys.end()) {
      plan.dispositions.push_back({item, Fate::dropped, "", "says something of the GGUF file itself"});
      continue;
    }
    plan.target.attrs.push_back(attr);
    const bool is_set = attr.key == version_key || attr.key == file_type_key;
    plan.dispositions.push_back({item, is_set ? Fate::mapped : Fate::carried, attr.key});
  }
  set_quantize_keys(file_type_for(request.recipe, plan), plan.target.attrs);
  return carry_side_files(request, view.package, plan);
}

}  // namespace heirloom::plan
