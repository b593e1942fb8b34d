#include "engine/plan/planner.hpp"

#include "engine/arch/config.hpp"
#include "engine/base/text.hpp"
#include "engine/model/remarks.hpp"
#include "engine/plan/inventory.hpp"
#include "engine/plan/native.hpp"
#include "engine/plan/planner_parts.hpp"
#include "engine/provenance/legal_files.hpp"

#include <algorithm>
#include <numeric>

namespace heirloom::plan {
namespace {

// Names by reason, as far as a line goes.
std::string lossy_text(const std::vector<arch::LossyTensor>& tensors, const std::string& reason) {
  constexpr std::size_t max_names_listed = 8;
  std::size_t count = 0;
  std::string names;
  for (const arch::LossyTensor& tensor : tensors)
    if (tensor.reason == reason && ++count <= max_names_listed)
      names += " " + base::quoted(tensor.name);
  if (count > max_names_listed)
    names += " and " + std::to_string(count - max_names_listed) + " more";
  return "the way back may not give these exactly, since " + reason + ":" + names;
}

// One line of a source for each stretch of the output, not less than this.
constexpr std::uint64_t good_copy_bytes = 1u << 16;

bool is_copied(const Checkpoint& source, const arch::Arrangement& made, const std::string& encoding) {
  if (!made.values.empty() || made.sources.empty())
    return false;
  for (const std::uint32_t index : made.sources) {
    const Tensor& from = source.tensors[index];
    if (from.encoding != encoding || from.big_endian || from.decoded)
      return false;
  }
  if (made.is_whole(model::tensor_elements(source.tensors[made.sources.front()])))
    return true;
  const Encoding& block = *source.find_encoding(encoding);
  return arch::in_blocks(made, block.block_elements) && std::all_of(made.boxes.begin(), made.boxes.end(), [&](const arch::Box& box) {
    return box.source != arch::zero_source && box.is_run() &&
           box.elements() / block.block_elements * block.block_bytes >= good_copy_bytes;
  });
}

std::string no_configuration(const Package& package) {
  const std::string why = package.config.is_null() ? "no config.json beside the weights"
                                                   : "config.json names no architecture";
  return why + ": names are kept, and llama.cpp will not know the model (give the directory of the model, or --as-is to "
               "say that this is meant)";
}

// Without a GGUF's architecture there is nothing that rules could ask about: the recipe is one encoding.
Result<void> check_plain_recipe(const Recipe& recipe, Plan& plan) {
  if (recipe.has_quantize_options())
    return fail(Code::misuse, "--pure, --leave-output-tensor, --output-tensor-type and --token-embedding-type are for a GGUF "
                              "whose architecture is known; here --tensor-type NAME=ENCODING does it");
  if (recipe.data && !recipe.data->rules.empty())
    plan.warnings.push_back("the rules of " + recipe.data->name + " are for a GGUF whose architecture is known: every matrix "
                            "becomes " + recipe.encoding);
  return {};
}

void note_unused_overrides(const Recipe& recipe, Plan& plan) {
  for (const Override& row : recipe.overrides)
    if (std::none_of(plan.tensors.begin(), plan.tensors.end(),
                     [&](const PlanTensor& tensor) { return row.pattern.matches(tensor.name); }))
      plan.warnings.push_back("--tensor-type " + base::quoted(row.pattern.text) + " matches no tensor");
}

std::span<const std::string> importance_needs(const Recipe& recipe) {
  return recipe.data ? std::span<const std::string>(recipe.data->needs_importance)
                                        : std::span<const std::string>();
}

// Tensors that the reader left out, and those that share bytes.
void note_left_out(const Checkpoint& checkpoint, Plan& plan) {
  for (const LeftOut& left : checkpoint.left_out) {
    plan.dispositions.push_back({"tensor:" + left.name, Fate::dropped, "", left.reason});
    plan.dropped.push_back({left.name, left.encoding, left.shape, "", left.reason});
  }
  constexpr std::size_t max_lines = 5;
  const auto groups = model::left_out_by_reason(checkpoint);
  for (std::size_t i = 0; i < std::min(groups.size(), max_lines); ++i)
    plan.warnings.push_back(model::describe(groups[i]));
  if (const std::uint64_t sharing = model::count_sharing(checkpoint); sharing != 0)
    plan.warnings.push_back(std::to_string(sharing) + " tensors share bytes with others; each is written for itself");
}

// A tensor of which another output uses a part is not left out.
void keep_used(const Checkpoint& source, Plan& plan) {
  std::set<std::string_view> used;
  for (const PlanTensor& tensor : plan.tensors)
    for (const std::uint32_t index : tensor.arrangement.sources)
      used.insert(source.tensors[index].name);
  std::erase_if(plan.dropped, [&](const Dropped& dropped) { return used.contains(dropped.name); });
}

// A tensor is dropped once, for the first reason; one of which another output uses a part is not.
void settle_tensors(const Checkpoint& source, Plan& plan) {
  std::set<std::string, std::less<>> gone;
  for (const LeftOut& left : source.left_out)
    gone.insert("tensor:" + left.name);
  std::vector<bool> is_used(source.tensors.size());
  for (const PlanTensor& tensor : plan.tensors)
    for (const std::uint32_t index : tensor.arrangement.sources)
      is_used[index] = true;
  for (std::size_t i = 0; i < is_used.size(); ++i)
    if (!is_used[i])
      gone.insert("tensor:" + source.tensors[i].name);
  std::erase_if(plan.dispositions, [&](const Disposition& disposition) {
    return disposition.item.starts_with("tensor:") && gone.erase(disposition.item) == 0;
  });
}

// A licence, an attribution or a reference that goes is a loss, whoever let it go.
void mark_losses(Plan& plan) {
  for (Disposition& disposition : plan.dispositions)
    if (disposition.fate == Fate::dropped && provenance::is_attribution(disposition.item))
      disposition.is_loss = true;
}

// Files that are neither weights nor side files.
void note_other_files(const Package& package, Plan& plan) {
  for (const std::string& name : package.indexes)
    plan.dispositions.push_back({"file:" + name, Fate::mapped, "index of the weights"});
  for (const std::string& name : package.other_weights)
    plan.dispositions.push_back({"file:" + name, Fate::dropped, "", "weights in a form that was not read"});
  for (const auto& [name, reason] : package.left_out)
    plan.dispositions.push_back({"file:" + name, Fate::dropped, "", reason});
}

}  // namespace

const arch::Map* find_map(const arch::Maps& maps, const View& view, Ecosystem from) {
  if (from == Ecosystem::hugging_face)
    return maps.find_by_class(arch::hf_class_of(view.package.config), view.package.config);
  const auto& attrs = view.checkpoint.attrs;
  const auto name = find_attr(attrs, "general.architecture")->get_text();
  const auto recorded = read_record(attrs, source_config_key);
  return maps.find_by_gguf_name(name.value_or(""), recorded ? arch::hf_class_of(*recorded) : "", attrs);
}

std::string family_name(const View& view, Ecosystem from) {
  if (from == Ecosystem::hugging_face)
    return arch::hf_class_of(view.package.config);
  return std::string(find_attr(view.checkpoint.attrs, "general.architecture")->get_text().value_or(""));
}

Ecosystem ecosystem_of(const View& view) {
  const Attr* architecture = find_attr(view.checkpoint.attrs, "general.architecture");
  if (view.checkpoint.format == "gguf" && architecture != nullptr && architecture->is_text())
    return Ecosystem::gguf;
  return arch::hf_class_of(view.package.config).empty() ? Ecosystem::none : Ecosystem::hugging_face;
}

std::set<std::string, std::less<>> names_of(const Checkpoint& checkpoint) {
  std::set<std::string, std::less<>> names;
  for (const Tensor& tensor : checkpoint.tensors)
    names.insert(tensor.name);
  return names;
}

std::vector<std::uint32_t> converter_order(const Checkpoint& checkpoint) {
  std::vector<std::uint32_t> order(checkpoint.tensors.size());
  std::iota(order.begin(), order.end(), 0u);
  const auto file_of = [&](std::uint32_t i) -> std::string_view {
    const auto& extents = checkpoint.tensors[i].extents;
    return extents.empty() ? std::string_view() : std::string_view(checkpoint.files[extents.front().file].name);
  };
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return std::pair(file_of(a), std::string_view(checkpoint.tensors[a].name)) <
           std::pair(file_of(b), std::string_view(checkpoint.tensors[b].name));
  });
  return order;
}

void add_tensor(Plan& plan, const Checkpoint& source, arch::MappedTensor tensor, std::string encoding, std::string note) {
  PlanTensor planned{std::move(tensor.name), std::move(encoding), std::move(tensor.shape)};
  const bool is_literal = tensor.is_synthesized();
  planned.arrangement = std::move(tensor.arrangement);
  planned.note = std::move(note);
  if (is_literal) {
    planned.action = Action::literal;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(tensor.values.data());
    planned.literal.assign(bytes, bytes + tensor.values.size() * sizeof(float));
  } else {
    planned.action = is_copied(source, planned.arrangement, planned.encoding) ? Action::copy : Action::convert;
  }
  plan.tensors.push_back(std::move(planned));
}

Result<std::string> encoding_of(const Checkpoint& source, const arch::MappedTensor& tensor) {
  auto encoding = source_encoding(source, tensor.arrangement);
  if (!encoding)
    return fail(std::move(encoding).error().at_tensor(tensor.name));
  return encoding;
}

void note_mapping(const Checkpoint& source, const View& view, const arch::Mapping& mapping, Plan& plan) {
  for (const arch::DroppedTensor& dropped : mapping.dropped) {
    for (const std::uint32_t index : view.arrangements[dropped.source].sources)
      plan.dispositions.push_back({"tensor:" + source.tensors[index].name, Fate::dropped, "", dropped.reason});
    drop_sources(source, view.arrangements[dropped.source], dropped.reason, plan.dropped);
  }
  std::vector<std::string> reasons;
  for (const arch::LossyTensor& tensor : mapping.lossy)
    if (std::find(reasons.begin(), reasons.end(), tensor.reason) == reasons.end())
      reasons.push_back(tensor.reason);
  for (const std::string& reason : reasons)
    plan.warnings.push_back(lossy_text(mapping.lossy, reason));
}

Ecosystem ecosystem_of(const model::Source& source) {
  auto package = read_package(source);
  if (!package)
    return Ecosystem::none;
  const auto view = make_view(source, std::move(*package));
  return view ? ecosystem_of(*view) : Ecosystem::none;
}

Result<std::vector<PlanTensor>> tensors_in(const model::Source& source, const arch::Maps& maps, Ecosystem ecosystem) {
  HEIRLOOM_TRY(Package package, read_package(source));
  HEIRLOOM_TRY(View view, make_view(source, std::move(package)));
  const Ecosystem from = ecosystem_of(view);
  const arch::Map* map = from == ecosystem || from == Ecosystem::none ? nullptr : find_map(maps, view, from);
  std::vector<arch::MappedTensor> mapped;
  if (map != nullptr && ecosystem == Ecosystem::gguf) {
    HEIRLOOM_TRY(auto mapping, arch::map_to_gguf(*map, view.tensors(), converter_order(view.checkpoint),
                                                 arch::with_counts(*map, arch::normalize(view.package.config),
                                                                   names_of(view.checkpoint), false)));
    mapped = std::move(mapping.tensors);
  } else if (map != nullptr && ecosystem == Ecosystem::hugging_face) {
    HEIRLOOM_TRY(const GgufConfig config, config_of_gguf(source, *map));
    HEIRLOOM_TRY(auto mapping, arch::map_to_hugging_face(*map, view.tensors(), config.normalized));
    HEIRLOOM_CHECK(spell_as_recorded(*map, source.checkpoint.attrs, mapping));
    mapped = std::move(mapping.tensors);
  } else {
    for (std::size_t i = 0; i < view.arrangements.size(); ++i)
      mapped.push_back({view.checkpoint.tensors[i].name, view.checkpoint.tensors[i].shape, std::move(view.arrangements[i])});
  }
  Plan plan;
  for (arch::MappedTensor& tensor : mapped) {
    HEIRLOOM_TRY(std::string encoding, encoding_of(source.checkpoint, tensor));
    add_tensor(plan, source.checkpoint, std::move(tensor), std::move(encoding), "");
  }
  return std::move(plan.tensors);
}

Result<Plan> make_plan(const Request& request, const base::Log& log) {
  const model::Source& source = *request.source;
  Plan plan;
  plan.source_format = source.checkpoint.format;
  plan.target_format = request.target_format;
  plan.source_files = source.checkpoint.files;
  plan.warnings = source.checkpoint.warnings;
  note_left_out(source.checkpoint, plan);
  // As is, the configuration matters only where its data type changes.
  const bool casts_config = request.is_directory && !request.recipe.encoding.empty();
  HEIRLOOM_TRY(Package package, read_package(source, !request.is_as_is || casts_config));
  if (!request.tokenizer.empty())
    HEIRLOOM_CHECK(use_tokenizer(request.tokenizer, package));
  HEIRLOOM_TRY(const View view, request.is_as_is ? identity_view(source, std::move(package))
                                                 : make_view(source, std::move(package), {request.config}));
  plan.warnings.insert(plan.warnings.end(), view.package.warnings.begin(), view.package.warnings.end());
  plan.dispositions.insert(plan.dispositions.end(), view.dispositions.begin(), view.dispositions.end());
  plan.dropped.insert(plan.dropped.end(), view.dropped.begin(), view.dropped.end());
  const Ecosystem from = ecosystem_of(view);
  const bool is_to_gguf = from == Ecosystem::hugging_face && request.target_format == "gguf";
  const bool is_to_hf = from == Ecosystem::gguf && request.is_directory && request.target_format != "gguf";
  if (!request.is_as_is && from == Ecosystem::none && request.target_format == "gguf" && source.checkpoint.format != "gguf")
    plan.warnings.push_back(no_configuration(view.package));
  const arch::Map* map = nullptr;
  if (!request.is_as_is && (is_to_gguf || is_to_hf)) {
    map = find_map(*request.maps, view, from);
    if (map == nullptr)
      plan.warnings.push_back("no architecture map for " + base::quoted(family_name(view, from)) +
                              ": tensors keep their names and layout (heirloom architectures lists the maps)");
  }
  plan.architecture = view.layout;
  if (!request.native_layout.empty()) {
    HEIRLOOM_CHECK(check_plain_recipe(request.recipe, plan));
    HEIRLOOM_CHECK(plan_to_native(request, view, plan));
  } else if (map != nullptr) {
    plan.architecture += (view.layout.empty() ? "" : " > ") + map->id;
    plan.architecture_file = request.maps->file_of(*map);
    if (!is_to_gguf)
      HEIRLOOM_CHECK(check_plain_recipe(request.recipe, plan));
    HEIRLOOM_CHECK(is_to_gguf ? plan_to_gguf(request, *map, view, plan) : plan_to_hugging_face(request, *map, view, plan));
  } else if (from == Ecosystem::gguf && request.target_format == "gguf" && !request.is_as_is && request.recipe.data) {
    HEIRLOOM_CHECK(plan_quantize(request, view, plan));
  } else {
    HEIRLOOM_CHECK(check_plain_recipe(request.recipe, plan));
    HEIRLOOM_CHECK(plan_as_is(request, view, plan));
  }
  HEIRLOOM_CHECK(apply_importance(request.importance, importance_needs(request.recipe), source.checkpoint, plan));
  if (request.importance != nullptr && request.target_format == "gguf")
    append_importance_keys(*request.importance, plan.target.attrs);
  note_unused_overrides(request.recipe, plan);
  note_other_files(view.package, plan);
  keep_used(source.checkpoint, plan);
  HEIRLOOM_CHECK(lay_out(request, log, plan));
  settle_tensors(source.checkpoint, plan);
  mark_losses(plan);
  HEIRLOOM_CHECK(take_inventory(source, plan, {}));
  return plan;
}

}  // namespace heirloom::plan
