// Hugging Face checkpoint -> GGUF, through an architecture map.
#include "engine/arch/config.hpp"
#include "engine/card/card.hpp"
#include "engine/plan/attr_text.hpp"
#include "engine/plan/choose.hpp"
#include "engine/plan/dominant.hpp"
#include "engine/plan/fates.hpp"
#include "engine/plan/inventory.hpp"
#include "engine/plan/planner_parts.hpp"
#include "engine/plan/pooling.hpp"
#include "engine/plan/texts.hpp"
#include "engine/plan/tokenizer_options.hpp"
#include "engine/provenance/names.hpp"
#include "engine/tokenizer/tokenizer.hpp"

#include <algorithm>
#include <set>

namespace heirloom::plan {
namespace {

using model::Json;

// By the converter's rules.
Result<void> add_tensors(const Request& request, std::vector<arch::MappedTensor> tensors, Plan& plan) {
  const Checkpoint& source = request.source->checkpoint;
  for (arch::MappedTensor& tensor : tensors) {
    if (tensor.is_synthesized()) {
      add_tensor(plan, source, std::move(tensor), "f32", "computed from the configuration");
      continue;
    }
    HEIRLOOM_TRY(const std::string from, encoding_of(source, tensor));
    HEIRLOOM_TRY(Choice choice, choose_for_gguf(tensor.name, tensor.shape, from, request.recipe));
    add_tensor(plan, source, std::move(tensor), std::move(choice.encoding), std::move(choice.note));
  }
  return {};
}

// What each tensor is in the GGUF that llama-quantize would be given: what the converter makes without a recipe.
Result<std::vector<std::string>> plain_encodings(const Checkpoint& source, const std::vector<arch::MappedTensor>& tensors) {
  std::vector<std::string> encodings;
  for (const arch::MappedTensor& tensor : tensors) {
    if (tensor.is_synthesized()) {
      encodings.emplace_back("f32");
      continue;
    }
    HEIRLOOM_TRY(const std::string from, encoding_of(source, tensor));
    HEIRLOOM_TRY(Choice choice, choose_for_gguf(tensor.name, tensor.shape, from, {}));
    encodings.push_back(std::move(choice.encoding));
  }
  return encodings;
}

struct Made {
  arch::ConfigKeys keys;
  std::string spelling;  // Mapping.spelling
};

// What most of the file is, by the name of a recipe.
std::string converter_type(const Plan& plan) {
  const std::string most = dominant_encoding(plan.tensors);
  return most == "mxfp4" ? "MXFP4_MOE" : most;
}

// Adds the tensors; returns the keys that the configuration gives.
Result<Made> add_tensors_and_keys(const Request& request, const arch::Map& map, const View& view, const Json& config,
                                                Plan& plan) {
  HEIRLOOM_TRY(auto mapping, arch::map_to_gguf(map, view.tensors(), converter_order(view.checkpoint), config));
  note_mapping(request.source->checkpoint, view, mapping, plan);
  if (!request.recipe.follows_quantize()) {
    HEIRLOOM_CHECK(add_tensors(request, std::move(mapping.tensors), plan));
    const std::string& wanted = request.recipe.encoding;
    HEIRLOOM_TRY(auto keys, arch::keys_from_config(map, config, file_type_of(wanted == "q8_0" ? wanted : converter_type(plan))));
    return Made{std::move(keys), mapping.spelling};
  }
  HEIRLOOM_TRY(arch::ConfigKeys keys, arch::keys_from_config(map, config, 0));
  HEIRLOOM_TRY(const auto kept, plain_encodings(request.source->checkpoint, mapping.tensors));
  std::vector<Attr> facts = keys.attrs;
  facts.push_back(Attr::text("general.architecture", map.gguf_name));
  HEIRLOOM_CHECK(add_by_recipe(request, std::move(mapping.tensors), kept, facts, plan));
  return Made{std::move(keys), mapping.spelling};
}

// What each source tensor was stored as, so that the way back restores it: {"default": "bf16", "other": {name: id}}.
// Weights that are stored in two tensors count as what they are without these.
Json dtypes_record(const Checkpoint& source, const View& view, const std::set<std::string>& dropped) {
  const Json& config = view.package.config;
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < view.arrangements.size(); ++i) {
    const auto& sources = view.arrangements[i].sources;
    const bool is_dropped = !sources.empty() && std::all_of(sources.begin(), sources.end(), [&](std::uint32_t index) {
      return dropped.contains("tensor:" + source.tensors[index].name);
    });
    if (!is_dropped)
      tensors.push_back(view.checkpoint.tensors[i]);
  }
  for (Tensor& tensor : tensors)
    if (tensor.decoded && config.find("quantization_config") != nullptr)
      tensor.encoding = "bf16";
  const std::string most = dominant_encoding(tensors);
  Json::Object other;
  for (const Tensor& tensor : tensors)
    if (tensor.encoding != most)
      other.emplace_back(tensor.name, Json(tensor.encoding));
  Json::Object record;
  record.emplace_back("default", Json(most));
  if (!other.empty())
    record.emplace_back("other", Json(std::move(other)));
  return Json(std::move(record));
}

std::set<std::string> dropped_in(const Plan& plan) {
  std::set<std::string> items;
  for (const Disposition& disposition : plan.dispositions)
    if (disposition.fate == Fate::dropped)
      items.insert(disposition.item);
  return items;
}

// A record that GGUF has no key for. False, and nothing is written, when it is too large.
bool add_record(Plan& plan, std::string_view key, const Json& value) {
  std::string text = value.dump();
  if (text.size() > max_record_bytes)
    return false;
  plan.target.attrs.push_back(Attr::text(std::string(key), std::move(text)));
  return true;
}

// An item that lies in a record, or is lost with it.
Disposition in_record(const std::string& item, bool is_written, std::string_view key) {
  if (is_written)
    return {item, Fate::carried, std::string(key)};
  return {item, Fate::dropped, "", std::string(key) + " would be larger than the " + std::to_string(max_record_bytes) + " bytes that are carried along", true};
}

// The path of a member of config.json in a normalized configuration (arch::normalize).
std::string normalized_path(std::string path) {
  const auto rename = [&](std::string_view from, std::string_view to) {
    if (path.starts_with(from) && (path.size() == from.size() || path[from.size()] == '.' || from.ends_with('.')))
      path = std::string(to) + path.substr(from.size());
  };
  rename("text_config.", "");
  rename("dtype", "torch_dtype");
  rename("rope_parameters.rope_theta", "rope_theta");
  rename("rope_parameters", "rope_scaling");
  rename("rope_scaling.type", "rope_scaling.rope_type");
  return path;
}

// Each leaf of the configuration: mapped to a key, or carried in the record. `used` are paths of the normalized one.
void note_config(const Package& package, const std::set<std::string>& used, bool is_recorded, Plan& plan) {
  // A lab's own configuration became this one: its members have the fates of those that they became.
  constexpr std::string_view made_prefix = "config.json:";
  bool is_translated = false;
  for (Disposition& disposition : plan.dispositions) {
    if (disposition.fate != Fate::mapped || !disposition.target.starts_with(made_prefix))
      continue;
    is_translated = true;
    const std::string path = disposition.target.substr(made_prefix.size());
    disposition = used.contains(normalized_path(path)) ? Disposition{disposition.item, Fate::mapped, "GGUF key"}
                                                       : in_record(disposition.item, is_recorded, source_config_key);
  }
  if (is_translated)
    return;
  Fates fates;
  for (const std::string& path : used)
    fates.known.emplace(path, Disposition{"", Fate::mapped, "GGUF key"});
  fates.rest = in_record("", is_recorded, source_config_key);
  fates.translate = normalized_path;
  fates.is_by_leaf = true;
  note_members("config.json", package.written_config, std::move(fates), plan.dispositions);
}

void note_generation_config(const Request& request, const Package& package, const card::GeneralKeys& keys, bool is_recorded, Plan& plan) {
  constexpr std::string_view prefix = "generation_config.json:";
  Fates fates;
  for (const auto& [item, target] : keys.used)
    if (item.starts_with(prefix))
      fates.known.emplace(item.substr(prefix.size()), Disposition{"", Fate::mapped, target});
  fates.rest = in_record("", is_recorded, source_generation_config_key);
  const bool is_there = package.generation_config.object() != nullptr;
  if (is_there && !note_members("generation_config.json", package.generation_config, std::move(fates), plan.dispositions) &&
      !request.is_directory)
    plan.dispositions.push_back(in_record("file:generation_config.json", is_recorded, source_generation_config_key));
}

// What the source was called before it came here, or its name now.
std::string name_of(const View& view) {
  constexpr std::size_t max_name_bytes = 512;
  const Attr* attr = find_attr(view.checkpoint.attrs, source_name_key);
  const auto name = attr == nullptr ? std::nullopt : attr->get_text();
  return name && !name->empty() && name->size() <= max_name_bytes ? std::string(*name) : view.package.name;
}

card::GeneralKeys add_general(const View& view, Plan& plan) {
  const Package& package = view.package;
  card::CardInput input;
  input.readme = package.readme;
  input.config = package.config;
  input.generation_config = package.generation_config;
  input.directory_name = name_of(view);
  std::vector<Tensor> tensors;
  for (const PlanTensor& tensor : plan.tensors)
    tensors.push_back({tensor.name, tensor.encoding, tensor.shape});
  const card::ParameterCount count = card::parameter_count(tensors);
  input.total_parameters = count.total;
  input.shared_parameters = count.shared;
  input.expert_parameters = count.expert;
  input.expert_count = count.expert_count;
  card::GeneralKeys keys = card::general_keys(input);
  for (Attr& attr : keys.attrs)
    plan.target.attrs.push_back(std::move(attr));
  plan.warnings.insert(plan.warnings.end(), keys.warnings.begin(), keys.warnings.end());
  return keys;
}

constexpr std::string_view tokenizer_files[] = {
    "tokenizer.json",          "tokenizer_config.json", "tokenizer.model",     "vocab.json",     "merges.txt", "special_tokens_map.json",
    "added_tokens.json",       "chat_template.jinja",   "chat_template.json",  "tiktoken.model", "vocab.txt"};

bool is_tokenizer_file(const std::string& name) {
  return std::find(std::begin(tokenizer_files), std::end(tokenizer_files), name) != std::end(tokenizer_files);
}

// The tokenizer's files as a whole, or taken apart where a part of one has no key.
Result<void> note_tokenizer(const Request& request, const Package& package, const std::vector<std::pair<std::string, std::string>>& dropped,
                            Plan& plan) {
  for (const std::string& name : package.side_files) {
    if (!is_tokenizer_file(name))
      continue;
    Fates fates;
    fates.rest = {"", Fate::mapped, "tokenizer keys"};
    for (const auto& [item, reason] : dropped)
      if (item.starts_with(name + ":"))
        fates.known.emplace(item.substr(name.size() + 1), Disposition{"", Fate::dropped, "", reason});
    bool is_apart = false;
    if (!fates.known.empty()) {
      HEIRLOOM_TRY(const auto bytes, request.source->files->read_all(name, model::max_json_bytes));
      HEIRLOOM_TRY(const Json json, model::parse_json(bytes));
      is_apart = note_members(name, json, fates, plan.dispositions);
    }
    if (!is_apart && !request.is_directory)
      plan.dispositions.push_back({"file:" + name, Fate::mapped, "tokenizer keys"});
  }
  return {};
}

Result<void> add_tokenizer(const Request& request, const arch::Map& map, const View& view, const Json& config, Plan& plan) {
  HEIRLOOM_TRY(tokenizer::ToGguf options, tokenizer_options(map, config));
  options.pre_tokenizer = request.pre_tokenizer;
  const auto read_file = [&](std::string_view name) { return read_optional(*request.source, view.package, name, model::max_json_bytes); };
  auto all = tokenizer::to_gguf(read_file, options);
  if (!all && !view.tokenizer_hint.empty())
    all.error().message += "; " + view.tokenizer_hint;
  HEIRLOOM_TRY(tokenizer::GgufTokenizer made, std::move(all));
  for (Attr& attr : made.attrs)
    plan.target.attrs.push_back(std::move(attr));
  plan.warnings.insert(plan.warnings.end(), made.warnings.begin(), made.warnings.end());
  return note_tokenizer(request, view.package, made.dropped, plan);
}

struct Records {
  bool has_config = false, has_generation_config = false;
};

// How a model of sentences pools has a key of its own.
Json without_pooling(const Json& config) {
  if (config.object() == nullptr)
    return config;
  Json::Object kept;
  for (const auto& member : *config.object())
    if (member.first != pooling_path.substr(0, pooling_path.find('.')))
      kept.push_back(member);
  return Json(std::move(kept));
}

// Metadata of the source: texts that have keys of their own, and a record of the rest.
void add_metadata(const model::Source& source, const View& view, Plan& plan) {
  Json::Object metadata;
  const TextAttrs text = to_text(view.checkpoint.attrs);
  const auto own_place = [&](const Attr& attr) -> std::optional<Disposition> {
    const std::string item = item_of(source, attr);
    if (attr.key == "format")
      return Disposition{item, Fate::dropped, "", "names the framework that reads the container"};
    if (attr.key == source_name_key || provenance::is_record_key(attr.key))
      return Disposition{item, Fate::carried, attr.key};
    const auto& companions = view.package.companions;
    if (std::any_of(companions.begin(), companions.end(), [&](const PackageText& companion) { return companion.item == item; }))
      return Disposition{item, Fate::carried, attr.key};
    return std::nullopt;
  };
  std::vector<std::string> recorded;
  for (const Attr& attr : text.attrs) {
    // Those of other types than text are told by an item that the source has not.
    const bool is_source = find_attr(view.checkpoint.attrs, attr.key) != nullptr;
    if (auto placed = own_place(attr); placed && is_source) {
      plan.dispositions.push_back(std::move(*placed));
      continue;
    }
    metadata.emplace_back(attr.key, Json(std::string(attr.get_text().value_or(""))));
    if (is_source)
      recorded.push_back(item_of(source, attr));
  }
  const bool is_written = !metadata.empty() && add_record(plan, source_metadata_key, Json(std::move(metadata)));
  for (const std::string& item : recorded)
    plan.dispositions.push_back(in_record(item, is_written, source_metadata_key));
  for (const std::string& key : text.lost)
    plan.dispositions.push_back({item_of(source, Attr{key}), Fate::dropped, "", "its bytes are not UTF-8", true});
}

Records add_records(const model::Source& source, const View& view, Plan& plan) {
  const Package& package = view.package;
  Records written;
  written.has_config = add_record(plan, source_config_key, without_pooling(package.config));
  if (package.generation_config.object() != nullptr)
    written.has_generation_config = add_record(plan, source_generation_config_key, package.generation_config);
  if (!add_record(plan, source_dtypes_key, dtypes_record(source.checkpoint, view, dropped_in(plan))))
    plan.dispositions.push_back(in_record(std::string(encodings_item), false, source_dtypes_key));
  add_metadata(source, view, plan);
  return written;
}

// Files of which a disposition speaks already, whole or by their parts.
bool is_noted(const Plan& plan, const std::string& name) {
  return std::any_of(plan.dispositions.begin(), plan.dispositions.end(), [&](const Disposition& disposition) {
    return disposition.item.starts_with(name + ":") || disposition.item == "file:" + name;
  });
}

// Wherever the whole of the card is.
void note_card_of(const Package& package, const card::GeneralKeys& keys, Plan& plan) {
  const std::string item = "file:" + std::string(card_name);
  const auto whole = std::find_if(plan.dispositions.begin(), plan.dispositions.end(), [&](const Disposition& d) { return d.item == item; });
  if (whole != plan.dispositions.end() && !package.readme.empty())
    note_card(package.readme, keys, Disposition(*whole), plan.dispositions);
}

}  // namespace

Result<void> plan_to_gguf(const Request& request, const arch::Map& map, const View& view, Plan& plan) {
  const Package& package = view.package;
  const Json said = arch::normalize(package.config);
  HEIRLOOM_TRY(Json config, arch::complete(map, arch::with_counts(map, said, names_of(view.checkpoint), false)));
  HEIRLOOM_TRY(std::string pooling, read_pooling(*request.source));
  if (!pooling.empty())
    arch::set_at(config, pooling_path, Json(std::move(pooling)));
  HEIRLOOM_TRY(Made made, add_tensors_and_keys(request, map, view, config, plan));
  arch::ConfigKeys& keys = made.keys;
  for (std::string& warning : arch::unsaid_of(map, config))
    plan.warnings.push_back(std::move(warning));
  plan.target.attrs.push_back(Attr::text("general.architecture", map.gguf_name));
  std::move(keys.early.begin(), keys.early.end(), std::back_inserter(plan.target.attrs));
  const card::GeneralKeys general = add_general(view, plan);
  for (Attr& attr : keys.attrs)
    plan.target.attrs.push_back(std::move(attr));
  plan.target.attrs.push_back(Attr::scalar("general.quantization_version", quantization_version));
  HEIRLOOM_CHECK(add_tokenizer(request, map, view, config, plan));
  const Records records = add_records(*request.source, view, plan);
  if (!made.spelling.empty())
    plan.target.attrs.push_back(Attr::text(std::string(source_names_key), made.spelling));
  if (request.recipe.follows_quantize())
    set_quantize_keys(request.recipe.data->file_type.value_or(file_type_of(dominant_encoding(plan.tensors))),
                      plan.target.attrs);
  note_config(package, keys.used, records.has_config, plan);
  note_generation_config(request, package, general, records.has_generation_config, plan);
  Package beside = package;
  if (!request.is_directory)
    std::erase_if(beside.side_files, [&](const std::string& name) { return is_noted(plan, name); });
  HEIRLOOM_CHECK(carry_side_files(request, beside, plan));
  note_card_of(package, general, plan);
  if (!request.is_directory && !package.readme.empty())
    plan.target.attrs.push_back(Attr::text(std::string(source_name_key), name_of(view)));
  return {};
}

}  // namespace heirloom::plan
