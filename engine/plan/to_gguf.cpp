// Hugging Face checkpoint -> GGUF, through an architecture map.
#include "engine/arch/config.hpp"
#include "engine/card/card.hpp"
#include "engine/plan/attr_text.hpp"
#include "engine/plan/choose.hpp"
#include "engine/plan/dominant.hpp"
#include "engine/plan/planner_parts.hpp"
#include "engine/plan/pooling.hpp"
#include "engine/plan/tokenizer_options.hpp"
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
Json dtypes_record(const Checkpoint& source, const Json& config, const std::set<std::string>& dropped) {
  std::vector<Tensor> tensors = source.tensors;
  std::erase_if(tensors, [&](const Tensor& tensor) { return dropped.contains("tensor:" + tensor.name); });
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

// A record that GGUF has no key for; too large a one is dropped with its reason. True when it is written.
bool add_record(Plan& plan, std::string_view key, const Json& value, const std::string& item) {
  std::string text = value.dump();
  if (text.size() > max_record_bytes) {
    plan.dispositions.push_back({item, Fate::dropped, "", "larger than the " + std::to_string(max_record_bytes) +
                                                              " bytes that are carried along", true});
    return false;
  }
  plan.target.attrs.push_back(Attr::text(std::string(key), std::move(text)));
  return true;
}

// An item that lies in a record, or is lost with it.
Disposition in_record(const std::string& item, bool is_written, std::string_view key) {
  if (is_written)
    return {item, Fate::carried, std::string(key)};
  return {item, Fate::dropped, "", std::string(key) + " would be too large", true};
}

// Each leaf of the configuration: mapped to a key, or carried in the record.
void note_config(Plan& plan, const Json& json, const std::string& path, const std::set<std::string>& used,
                 bool is_recorded) {
  if (const auto* object = json.object()) {
    for (const auto& [key, value] : *object)
      note_config(plan, value, path.empty() ? key : path + "." + key, used, is_recorded);
    return;
  }
  const std::string item = "config.json:" + path;
  plan.dispositions.push_back(used.contains(path) ? Disposition{item, Fate::mapped, "GGUF key"}
                                                  : in_record(item, is_recorded, source_config_key));
}

// Returns the items that no general.* key says, with the reasons.
std::vector<std::pair<std::string, std::string>> add_general(const Package& package, Plan& plan) {
  card::CardInput input;
  input.readme = package.readme;
  input.config = package.config;
  input.generation_config = package.generation_config;
  input.directory_name = package.name;
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
  for (auto& [item, target] : keys.used)
    plan.dispositions.push_back({item, Fate::mapped, target});
  plan.warnings.insert(plan.warnings.end(), keys.warnings.begin(), keys.warnings.end());
  return std::move(keys.dropped);
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
  for (auto& [item, reason] : made.dropped)
    plan.dispositions.push_back({item, Fate::dropped, "", reason});
  return {};
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

Records add_records(const Checkpoint& source, const Package& package, Plan& plan) {
  Records written;
  written.has_config = add_record(plan, source_config_key, without_pooling(package.config), "config.json");
  if (package.generation_config.object() != nullptr)
    written.has_generation_config =
        add_record(plan, source_generation_config_key, package.generation_config, "generation_config.json");
  add_record(plan, source_dtypes_key, dtypes_record(source, package.config, dropped_in(plan)), "tensor data types");
  Json::Object metadata;
  const TextAttrs text = to_text(source.attrs);
  for (const Attr& attr : text.attrs)
    if (attr.key != "format")
      metadata.emplace_back(attr.key, Json(std::string(attr.get_text().value_or(""))));
  for (const std::string& key : text.lost)
    plan.dispositions.push_back({"metadata:" + key, Fate::dropped, "", "its bytes are not UTF-8", true});
  const bool has_metadata =
      !metadata.empty() && add_record(plan, source_metadata_key, Json(std::move(metadata)), "metadata of the source");
  for (const Attr& attr : text.attrs) {
    const std::string item = "metadata:" + attr.key;
    plan.dispositions.push_back(
        attr.key == "format" ? Disposition{item, Fate::dropped, "", "names the framework that reads the container"}
                             : in_record(item, has_metadata, source_metadata_key));
  }
  return written;
}

constexpr std::string_view mapped_files[] = {
    "config.json",          "generation_config.json", "tokenizer.json",          "tokenizer_config.json", "tokenizer.model",
    "vocab.json",           "merges.txt",             "special_tokens_map.json", "added_tokens.json",     "chat_template.jinja",
    "chat_template.json",   "tiktoken.model",         "vocab.txt"};

// A single file has no room beside it: what is not in its keys stays with the source, and is named.
void note_side_files(const Package& package, Plan& plan) {
  for (const std::string& name : package.side_files) {
    const bool is_mapped = std::find(std::begin(mapped_files), std::end(mapped_files), name) != std::end(mapped_files);
    if (!is_mapped)
      plan.dispositions.push_back({"file:" + name, Fate::dropped, "", "a single file carries no other files"});
  }
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
  const auto unsaid = add_general(package, plan);
  for (Attr& attr : keys.attrs)
    plan.target.attrs.push_back(std::move(attr));
  plan.target.attrs.push_back(Attr::scalar("general.quantization_version", quantization_version));
  HEIRLOOM_CHECK(add_tokenizer(request, map, view, config, plan));
  const Records records = add_records(view.checkpoint, package, plan);
  if (!made.spelling.empty())
    plan.target.attrs.push_back(Attr::text(std::string(source_names_key), made.spelling));
  if (request.recipe.follows_quantize())
    set_quantize_keys(request.recipe.data->file_type.value_or(file_type_of(dominant_encoding(plan.tensors))),
                      plan.target.attrs);
  note_config(plan, said, "", keys.used, records.has_config);
  for (const auto& [item, reason] : unsaid)
    plan.dispositions.push_back(item.starts_with("generation_config.json:")
                                    ? in_record(item, records.has_generation_config, source_generation_config_key)
                                    : Disposition{item, Fate::dropped, "", reason});
  if (request.is_directory)
    carry_side_files(request, package, plan);
  else
    note_side_files(package, plan);
  return {};
}

}  // namespace heirloom::plan
