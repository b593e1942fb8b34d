// Any container -> any container: names, shapes and order are kept.
#include "engine/base/text.hpp"
#include "engine/plan/attr_text.hpp"
#include "engine/plan/choose.hpp"
#include "engine/plan/dominant.hpp"
#include "engine/plan/inventory.hpp"
#include "engine/plan/planner_parts.hpp"
#include "engine/plan/texts.hpp"

#include <algorithm>

namespace heirloom::plan {
namespace {

Result<void> check_limits(const Tensor& tensor, const Format& target) {
  const auto refuse = [&](const std::string& why) {
    return fail(Error{Code::unsupported, target.id + " " + why, no_position, "", tensor.name});
  };
  if (tensor.shape.size() > target.max_dimensions)
    return refuse("holds at most " + std::to_string(target.max_dimensions) + " dimensions, this tensor has " +
                  std::to_string(tensor.shape.size()));
  if (tensor.name.size() > target.max_name_bytes)
    return refuse("holds names of at most " + std::to_string(target.max_name_bytes) + " bytes, this one has " +
                  std::to_string(tensor.name.size()));
  if (!target.empty_tensors && model::tensor_elements(tensor) == 0)
    return refuse("holds no tensors without elements");
  return {};
}

// Keys of a GGUF that say how its bytes lie.
bool decides_layout(std::string_view key) { return key == "general.alignment" || key.starts_with("split."); }

// config.json that names the data type which the weights have now.
SideFile cast_config(const Package& package, const Plan& plan) {
  model::Json config = package.config;
  set_torch_dtype(plan.tensors, config);
  const std::string text = config.dump(2) + "\n";
  return {"config.json", "", {text.begin(), text.end()}};
}

// file_type says what most matrices of a GGUF are; a recipe may change that.
void update_file_type(const Request& request, Plan& plan) {
  const bool has_recipe = !request.recipe.encoding.empty() || !request.recipe.overrides.empty();
  const std::string most = dominant_encoding(plan.tensors);
  if (!has_recipe || request.target_format != "gguf" || most == dominant_encoding(request.source->checkpoint.tensors))
    return;
  for (Attr& attr : plan.target.attrs)
    if (attr.key == "general.file_type")
      attr = Attr::scalar(attr.key, file_type_of(most));
}

}  // namespace

Result<void> carry_attrs(const Request& request, const Format& target, Plan& plan) {
  const model::Source& source = *request.source;
  const Checkpoint& checkpoint = source.checkpoint;
  const Format* from = request.host->find_format(checkpoint.format);
  const bool is_from_typed = from != nullptr && from->typed_attrs;
  std::vector<std::string> lost;
  if (target.typed_attrs == is_from_typed) {
    plan.target.attrs = checkpoint.attrs;
  } else if (target.typed_attrs) {
    HEIRLOOM_TRY(plan.target.attrs, from_text(checkpoint.attrs));
    std::erase_if(plan.target.attrs, [](const Attr& attr) { return decides_layout(attr.key); });
  } else {
    TextAttrs text = to_text(checkpoint.attrs);
    plan.target.attrs = std::move(text.attrs);
    lost = std::move(text.lost);
  }
  for (const Attr& attr : checkpoint.attrs) {
    const std::string item = item_of(source, attr);
    if (std::find(lost.begin(), lost.end(), attr.key) != lost.end())
      plan.dispositions.push_back({item, Fate::dropped, "", "its bytes are not UTF-8, and " + target.id + " holds text only", true});
    else if (find_attr(plan.target.attrs, attr.key) != nullptr)
      plan.dispositions.push_back({item, Fate::carried, attr.key});
    else if (attr.key == attr_types_key)
      plan.dispositions.push_back({item, Fate::mapped, "types of the keys"});
    else
      plan.dispositions.push_back({item, Fate::dropped, "", "text does not decide the layout of a file"});
  }
  return {};
}

Result<void> carry_side_files(const Request& request, const Package& package, Plan& plan) {
  if (!request.is_directory) {
    for (const std::string& name : package.side_files)
      if (!is_companion(name))
        plan.dispositions.push_back({"file:" + name, Fate::dropped, "", "a single file carries no other files"});
    return carry_texts(request, package, plan);
  }
  // A GGUF made through a map has its configuration in its keys; the file beside it stays the source's.
  const bool is_mapped_gguf = request.target_format == "gguf" && !plan.architecture.empty();
  const bool is_cast = !is_mapped_gguf && !request.recipe.encoding.empty();
  for (const auto& [name, bytes] : package.made)
    plan.side_files.push_back(is_cast && name == "config.json" ? cast_config(package, plan) : SideFile{name, "", bytes});
  for (const std::string& name : package.side_files) {
    plan.side_files.push_back(is_cast && name == "config.json" ? cast_config(package, plan) : SideFile{name, name});
    plan.dispositions.push_back({"file:" + name, Fate::beside, name});
  }
  write_texts(package, plan);
  return {};
}

Result<void> plan_as_is(const Request& request, const View& view, Plan& plan) {
  const Format* target = request.host->find_format(request.target_format);
  if (target == nullptr || !target->writes)
    return fail(Code::misuse, "no plugin writes " + base::quoted(request.target_format));
  const Checkpoint& source = request.source->checkpoint;
  for (std::size_t i = 0; i < view.arrangements.size(); ++i) {
    const Tensor& tensor = view.checkpoint.tensors[i];
    HEIRLOOM_CHECK(check_limits(tensor, *target));
    HEIRLOOM_TRY(Choice choice, choose_as_is(tensor, *target, request.recipe));
    add_tensor(plan, source, {tensor.name, tensor.shape, view.arrangements[i]}, std::move(choice.encoding), std::move(choice.note));
  }
  HEIRLOOM_CHECK(carry_attrs(request, *target, plan));
  update_file_type(request, plan);
  return carry_side_files(request, view.package, plan);
}

}  // namespace heirloom::plan
