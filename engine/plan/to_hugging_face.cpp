// GGUF -> Hugging Face directory, through an architecture map read backwards.
#include "engine/arch/config.hpp"
#include "engine/arch/spelling.hpp"
#include "engine/base/bytes.hpp"
#include "engine/base/text.hpp"
#include "engine/card/card.hpp"
#include "engine/encoding/codec.hpp"
#include "engine/plan/attr_text.hpp"
#include "engine/plan/choose.hpp"
#include "engine/plan/dominant.hpp"
#include "engine/plan/inventory.hpp"
#include "engine/plan/planner_parts.hpp"
#include "engine/plan/texts.hpp"
#include "engine/tokenizer/tokenizer.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace heirloom::plan {
namespace {

using model::Json;

Result<std::vector<float>> read_values(const model::Source& source, std::uint32_t index) {
  const Tensor& tensor = source.checkpoint.tensors[index];
  constexpr std::uint64_t max_values = 1u << 16;
  const std::uint64_t count = model::tensor_elements(tensor);
  if (tensor.encoding != "f32" || tensor.big_endian || count > max_values)
    return fail(Error{Code::unsupported, "is not a short little-endian f32 tensor", no_position, "", tensor.name});
  std::vector<float> values(count);
  HEIRLOOM_CHECK(source.read(index, 0, {reinterpret_cast<std::uint8_t*>(values.data()), count * sizeof(float)}));
  return values;
}

// Tensors that are computed from the configuration: what they say is found again, or the file is refused.
Result<void> restore_synthesized(const model::Source& source, const arch::Map& map, GgufConfig& config) {
  const auto& tensors = source.checkpoint.tensors;
  for (const auto& rule : map.tensors) {
    if (rule->synthesize.empty())
      continue;
    const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const Tensor& tensor) { return tensor.name == rule->gguf; });
    if (found == tensors.end())
      continue;
    HEIRLOOM_TRY(const auto values, read_values(source, static_cast<std::uint32_t>(found - tensors.begin())));
    if (auto restored = arch::restore_synthesized(*rule, values, config.written); !restored)
      return fail(Error{restored.error().code, restored.error().message, no_position, "", rule->gguf});
  }
  config.normalized = arch::normalize(config.written);
  return {};
}

// Encoding that the source's record, the target and the recipe give.
struct Dtypes {
  std::string fallback;  // "" when nothing is recorded
  std::map<std::string, std::string, std::less<>> other;
};

Dtypes read_dtypes(const Json& json) {
  Dtypes dtypes;
  if (const Json* fallback = json.find("default"); fallback != nullptr && fallback->text() != nullptr)
    dtypes.fallback = *fallback->text();
  if (const Json* other = json.find("other"); other != nullptr && other->object() != nullptr)
    for (const auto& [name, dtype] : *other->object())
      if (dtype.text() != nullptr)
        dtypes.other.emplace(name, *dtype.text());
  return dtypes;
}

Result<Choice> choose(const Request& request, const Format& format, const Dtypes& dtypes, const arch::MappedTensor& mapped) {
  HEIRLOOM_TRY(const std::string encoding, encoding_of(request.source->checkpoint, mapped));
  const Tensor from{mapped.name, encoding, mapped.shape};
  if (!request.recipe.encoding.empty() || request.recipe.override_for(mapped.name) != nullptr) {
    // A Hugging Face checkpoint has one type for all, vectors too.
    if (request.recipe.override_for(mapped.name) == nullptr && is_stored_by(format, request.recipe.encoding))
      return Choice{request.recipe.encoding};
    return choose_as_is(from, format, request.recipe);
  }
  const auto special = dtypes.other.find(mapped.name);
  const std::string& wanted = special != dtypes.other.end() ? special->second : dtypes.fallback;
  const encoding::Codec* source = encoding::find_codec(from.encoding);
  const encoding::Codec* target = encoding::find_codec(wanted);
  if (source != nullptr && target != nullptr && is_stored_by(format, wanted) && encoding::convertible(*source, *target))
    return Choice{wanted, wanted == from.encoding ? "" : "as the source stored it"};
  return choose_as_is(from, format, request.recipe);
}

// Whether the tensor becomes two, of blocks and of their scales.
bool is_apart(const Request& request, const arch::MappedTensor& tensor) {
  const auto encoding = encoding_of(request.source->checkpoint, tensor);
  return !tensor.packed.empty() && encoding && *encoding == tensor.packed && request.recipe.encoding.empty() &&
         request.recipe.override_for(tensor.name) == nullptr;
}

void add_apart(const Checkpoint& source, const arch::MappedTensor& tensor, Plan& plan) {
  for (const char* part : {"_blocks", "_scales"}) {
    arch::MappedTensor one = tensor;
    one.name += part;
    add_tensor(plan, source, std::move(one), tensor.packed + part, "as the source stored it");
  }
}

// Keys that say something of the GGUF file itself.
bool describes_container(std::string_view key) {
  return key == "general.architecture" || key == "general.file_type" || key == "general.quantization_version" ||
         key == "general.alignment" || key.starts_with("split.") || key == source_dtypes_key || key == source_names_key;
}

// What the converter made general.* keys of, besides the card, and will again.
card::CardInput card_input(const model::Source& source, const GgufConfig& config) {
  card::CardInput input;
  input.config = config.written;
  const Attr* name = find_attr(source.checkpoint.attrs, source_name_key);
  input.directory_name = name == nullptr ? "" : name->get_text().value_or("");
  const card::ParameterCount count = card::parameter_count(source.checkpoint.tensors);
  input.total_parameters = count.total;
  input.shared_parameters = count.shared;
  input.expert_parameters = count.expert;
  input.expert_count = count.expert_count;
  return input;
}

// The card that is written, and the general.* keys that it says.
struct Card {
  std::string readme;
  std::vector<Attr> keys;
};

void note_mended(const card::MendedCard& card, Plan& plan) {
  const auto list = [](const std::vector<std::string>& keys) {
    std::string text;
    for (const std::string& key : keys)
      text += (text.empty() ? "" : ", ") + key;
    return text;
  };
  if (!card.changed.empty())
    plan.warnings.push_back("README.md says what the GGUF's keys say now: " + list(card.changed) + " changed since the card was put there");
  if (!card.unmended.empty())
    plan.warnings.push_back("README.md says something else than the GGUF's keys: " + list(card.unmended) + " could not be put in its place");
}

// The source's own card where the GGUF carries it, in line with its keys; else one made from them. A README.md that lies beside
// the GGUF is a file like others.
Result<Card> make_card(const model::Source& source, const Package& package, const GgufConfig& config, Plan& plan) {
  const auto& attrs = source.checkpoint.attrs;
  const auto& files = package.side_files;
  Card card;
  card::CardInput input;
  if (std::find(files.begin(), files.end(), card_name) != files.end()) {
    input.readme = package.readme;
  } else if (const PackageText* carried = find_text(package, card_name)) {
    HEIRLOOM_TRY(const auto bytes, read_text(source, *carried));
    input = card_input(source, config);
    input.readme.assign(bytes.begin(), bytes.end());
    card::MendedCard mended = card::mended(input, attrs);
    note_mended(mended, plan);
    const bool is_same = mended.readme == input.readme;
    input.readme = card.readme = std::move(mended.readme);
    plan.dispositions.push_back({carried->item, Fate::mapped, std::string(card_name), "", false, is_same ? "" : "changed to what the GGUF's keys say"});
  } else {
    input.readme = card.readme = card::readme_from_keys(attrs);
  }
  card.keys = card::general_keys(input).attrs;
  return card;
}

// Returns generation_config.json as written.
Result<Json> add_side_files(const model::Source& source, const GgufConfig& config, Plan& plan) {
  const std::vector<Attr>& attrs = source.checkpoint.attrs;
  plan.side_files.push_back({"config.json", "", base::copied_bytes(config.written.dump(2) + "\n")});
  HEIRLOOM_TRY(Json generation, read_record(attrs, source_generation_config_key));
  for (auto& [key, value] : card::generation_config_from_keys(attrs)) {
    if (generation.object() == nullptr)
      generation = Json(Json::Object{});
    if (generation.find(key) == nullptr)
      generation.set(key, std::move(value));
  }
  // A source that is recorded, without this file, had none.
  const bool is_written = generation.object() != nullptr || !config.is_recorded;
  if (generation.object() == nullptr) {
    generation = Json(Json::Object{});
    for (const char* id : {"bos_token_id", "eos_token_id", "pad_token_id"})
      if (const Json* value = config.written.find(id))
        generation.set(id, *value);
  }
  if (is_written)
    plan.side_files.push_back({"generation_config.json", "", base::copied_bytes(generation.dump(2) + "\n")});
  if (find_attr(attrs, "tokenizer.ggml.model") != nullptr) {
    HEIRLOOM_TRY(auto files, tokenizer::to_hugging_face(attrs));
    for (tokenizer::SideFile& file : files)
      plan.side_files.push_back({std::move(file.name), "", std::move(file.bytes)});
  }
  return generation;
}

// True when the members that this key alone gives stand in generation_config.json with its values.
bool is_in_generation(const Attr& attr, const Json& generation) {
  const auto members = card::generation_config_from_keys({attr});
  return !members.empty() && std::all_of(members.begin(), members.end(), [&](const auto& member) {
    const Json* written = generation.find(member.first);
    if (written == nullptr)
      return false;
    const auto a = written->number(), b = member.second.number();
    return a && b ? static_cast<float>(*a) == static_cast<float>(*b) : written->dump() == member.second.dump();
  });
}

bool is_noted_text(const Plan& plan, const std::string& item) {
  return std::any_of(plan.dispositions.begin(), plan.dispositions.end(), [&](const Disposition& known) { return known.item == item; });
}

// Files beside the GGUF, and texts in it. What is made from its keys has another file's place.
void carry_files(const Package& package, Plan& plan) {
  for (const std::string& name : package.side_files) {
    const std::string item = "file:" + name;
    const bool is_made = std::any_of(plan.side_files.begin(), plan.side_files.end(), [&](const SideFile& file) { return file.name == name; });
    if (is_made) {
      plan.dispositions.push_back({item, Fate::dropped, "", name + " is made from the GGUF's keys"});
      continue;
    }
    plan.side_files.push_back({name, name});
    plan.dispositions.push_back({item, Fate::beside, name});
  }
  Package texts;
  for (const PackageText& text : package.companions)
    if (text.name != card_name)
      texts.companions.push_back(text);
  write_texts(texts, plan);
}

// Keys that no file says become metadata of the weight files.
Result<void> carry_other_keys(const model::Source& source, const arch::Map& map, const GgufConfig& config,
                              const Json& generation, const std::vector<Attr>& on_card, Plan& plan) {
  const std::string own = map.gguf_name + ".";
  const bool has_tokenizer = find_attr(source.checkpoint.attrs, "tokenizer.ggml.model") != nullptr;
  std::vector<Attr> rest;
  for (const Attr& attr : source.checkpoint.attrs) {
    const std::string item = "key:" + attr.key;
    const bool is_known = std::any_of(map.keys.begin(), map.keys.end(), [&](const auto& rule) {
      return rule->gguf == "{arch}" + attr.key.substr(std::min(attr.key.size(), map.gguf_name.size())) &&
             attr.key.starts_with(own);
    });
    if (describes_container(attr.key)) {
      plan.dispositions.push_back({item, Fate::dropped, "", "says something of the GGUF file itself"});
    } else if (is_known || (attr.key == source_config_key && config.is_recorded)) {
      plan.dispositions.push_back({item, Fate::mapped, "config.json"});
    } else if (attr.key.starts_with("tokenizer.") && has_tokenizer) {
      plan.dispositions.push_back({item, Fate::mapped, "tokenizer files"});
    } else if (is_in_generation(attr, generation) || attr.key == source_generation_config_key) {
      plan.dispositions.push_back({item, Fate::mapped, "generation_config.json"});
    } else if (attr.key == source_metadata_key) {
      plan.dispositions.push_back({item, Fate::mapped, "metadata of the weight files"});
    } else if (is_noted_text(plan, item)) {
      continue;
    } else if (const Attr* shown = find_attr(on_card, attr.key); shown != nullptr && *shown == attr) {
      plan.dispositions.push_back({item, Fate::mapped, "README.md"});
    } else {
      plan.dispositions.push_back({item, Fate::carried, "metadata of the weight files"});
      rest.push_back(attr);
    }
  }
  TextAttrs text = to_text(rest);
  for (const std::string& key : text.lost)
    for (Disposition& disposition : plan.dispositions)
      if (disposition.item == "key:" + key)
        disposition = {disposition.item, Fate::dropped, "", "its bytes are not UTF-8", true};
  plan.target.attrs = std::move(text.attrs);
  std::set<std::string> taken;
  for (const Attr& attr : plan.target.attrs)
    taken.insert(attr.key);
  HEIRLOOM_TRY(const Json metadata, read_record(source.checkpoint.attrs, source_metadata_key));
  if (metadata.object() != nullptr)
    for (const auto& [key, value] : *metadata.object())
      if (value.text() != nullptr && taken.insert(key).second)
        plan.target.attrs.push_back(Attr::text(key, *value.text()));
  return {};
}

}  // namespace

Result<Json> read_record(const std::vector<Attr>& attrs, std::string_view key) {
  const Attr* attr = find_attr(attrs, key);
  if (attr == nullptr || !attr->get_text())
    return Json();
  if (attr->get_text()->size() > max_read_record_bytes)
    return fail(Error{Code::limit, "key " + base::quoted(key) + " is longer than " + base::human_bytes(max_read_record_bytes)});
  auto json = model::parse_json(*attr->get_text());
  if (!json)
    return fail(Error{Code::malformed, "key " + base::quoted(key) + " is not JSON: " + json.error().message});
  return json;
}

Result<void> spell_as_recorded(const arch::Map& map, const std::vector<Attr>& attrs, arch::Mapping& mapping) {
  const Attr* spelling = find_attr(attrs, source_names_key);
  return arch::spell(map, spelling == nullptr ? "" : spelling->get_text().value_or(""), mapping);
}

Result<GgufConfig> config_of_gguf(const model::Source& source, const arch::Map& map) {
  GgufConfig config;
  HEIRLOOM_TRY(Json recorded, read_record(source.checkpoint.attrs, source_config_key));
  const std::string recorded_class = arch::hf_class_of(recorded);
  const auto& classes = map.hf_classes;
  if (!recorded.is_null() && std::find(classes.begin(), classes.end(), recorded_class) == classes.end()) {
    config.warnings.push_back("key " + base::quoted(source_config_key) + " is ignored: its architecture " +
                              base::quoted(recorded_class) + " is not of the map " + map.id);
    recorded = Json();
  }
  config.is_recorded = !recorded.is_null();
  arch::TensorFacts facts;
  for (const Tensor& tensor : source.checkpoint.tensors) {
    facts.names.insert(tensor.name);
    if (!tensor.shape.empty())
      facts.rows.emplace_back(tensor.name, tensor.shape.front());
    facts.encodings.emplace_back(tensor.name, tensor.encoding);
  }
  HEIRLOOM_TRY(config.written, arch::config_from_keys(map, source.checkpoint.attrs, facts, recorded));
  HEIRLOOM_CHECK(restore_synthesized(source, map, config));
  config.normalized = arch::with_counts(map, std::move(config.normalized), facts.names, true);
  return config;
}

Result<void> plan_to_hugging_face(const Request& request, const arch::Map& map, const View& view, Plan& plan) {
  const model::Source& source = *request.source;
  const Format* format = request.host->find_format(request.target_format);
  if (format == nullptr)
    return fail(Code::misuse, "no plugin writes " + base::quoted(request.target_format));
  HEIRLOOM_TRY(GgufConfig config, config_of_gguf(source, map));
  HEIRLOOM_TRY(auto mapping, arch::map_to_hugging_face(map, view.tensors(), config.normalized));
  HEIRLOOM_CHECK(spell_as_recorded(map, source.checkpoint.attrs, mapping));
  HEIRLOOM_TRY(const Json recorded_dtypes, read_record(source.checkpoint.attrs, source_dtypes_key));
  const Dtypes dtypes = read_dtypes(recorded_dtypes);
  for (arch::MappedTensor& tensor : mapping.tensors) {
    if (is_apart(request, tensor)) {
      add_apart(source.checkpoint, tensor, plan);
      continue;
    }
    HEIRLOOM_TRY(Choice choice, choose(request, *format, dtypes, tensor));
    add_tensor(plan, source.checkpoint, std::move(tensor), std::move(choice.encoding), std::move(choice.note));
  }
  note_mapping(source.checkpoint, view, mapping, plan);
  set_torch_dtype(plan.tensors, config.written);
  HEIRLOOM_TRY(const Json generation, add_side_files(source, config, plan));
  plan.warnings.insert(plan.warnings.end(), config.warnings.begin(), config.warnings.end());
  HEIRLOOM_TRY(const Card card, make_card(source, view.package, config, plan));
  if (!card.readme.empty())
    plan.side_files.push_back({std::string(card_name), "", base::copied_bytes(card.readme)});
  carry_files(view.package, plan);
  return carry_other_keys(source, map, config, generation, card.keys, plan);
}

}  // namespace heirloom::plan
