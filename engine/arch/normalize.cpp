// Spellings of a configuration brought to one, and silence filled with what a family's configuration class says.
#include "engine/arch/config.hpp"
#include "engine/arch/pattern.hpp"
#include "engine/arch/shape.hpp"
#include "heirloom/checked.hpp"

#include <algorithm>

namespace heirloom::arch {
namespace {

using model::Json;

bool is_present(const Json* json) { return json != nullptr && !json->is_null(); }

void rename_member(Json& json, std::string_view from, const std::string& to) {
  const auto* object = json.object();
  if (object == nullptr || json.find(from) == nullptr)
    return;
  const bool is_taken = json.find(to) != nullptr;
  Json::Object renamed;
  for (const auto& [key, value] : *object) {
    if (key != from)
      renamed.emplace_back(key, value);
    else if (!is_taken)
      renamed.emplace_back(to, value);
  }
  json.value() = std::move(renamed);
}

Json without(const Json& json, std::string_view key) {
  Json::Object kept;
  for (const auto& member : *json.object())
    if (member.first != key)
      kept.push_back(member);
  return Json(std::move(kept));
}

// The text model's members take the place of those of the whole.
void lift_text_config(Json& json) {
  const Json* text = json.find("text_config");
  if (text == nullptr || text->object() == nullptr)
    return;
  const Json::Object members = *text->object();
  json = without(json, "text_config");
  for (const auto& [key, value] : members)
    json.set(key, value);
}

// True when the rule's value is a plain one of its configuration key.
bool fills_silence(const fb::KeyRuleT& rule) {
  return !rule.hf.empty() && !rule.default_json.empty() && !rule.per_layer && rule.derive.empty();
}

}  // namespace

Json normalize(const Json& config) {
  if (config.object() == nullptr)
    return config;
  Json out = config;
  lift_text_config(out);
  rename_member(out, "dtype", "torch_dtype");
  if (const Json* parameters = out.find("rope_parameters"); parameters != nullptr && parameters->object() != nullptr) {
    Json scaling = *parameters;
    if (const Json* theta = scaling.find("rope_theta"); is_present(theta)) {
      out.set("rope_theta", *theta);
      scaling = without(scaling, "rope_theta");
    }
    out = without(out, "rope_parameters");
    out.set("rope_scaling", std::move(scaling));
  }
  if (const Json* scaling = out.find("rope_scaling"); scaling != nullptr && scaling->object() != nullptr) {
    Json renamed = *scaling;
    rename_member(renamed, "type", "rope_type");
    out.set("rope_scaling", std::move(renamed));
  }
  return out;
}

Result<Json> complete(const Map& map, const Json& config) {
  if (config.object() == nullptr)
    return config;
  Json full = config;
  const auto fill = [&](const std::string& path, const std::string& json) -> Result<void> {
    HEIRLOOM_TRY(Json value, model::parse_json(json));
    set_at(full, path, std::move(value));
    return {};
  };
  for (const auto& rule : map.config)
    if (!rule->default_json.empty() && !is_present(full.at(rule->hf)) && holds(rule->when.get(), full))
      HEIRLOOM_CHECK(fill(rule->hf, rule->default_json));
  for (const auto& rule : map.keys)
    if (fills_silence(*rule) && holds(rule->when.get(), full) &&
        std::none_of(rule->hf.begin(), rule->hf.end(), [&](const auto& path) { return is_present(full.at(path)); }))
      HEIRLOOM_CHECK(fill(rule->hf.front(), rule->default_json));
  return full;
}

Json with_counts(const Map& map, Json config, const std::set<std::string, std::less<>>& names, bool is_gguf) {
  for (const auto& rule : map.config) {
    const std::string& pattern = is_gguf ? rule->counted_gguf : rule->counted;
    if (pattern.empty() || is_present(config.at(rule->hf)))
      continue;
    const auto count = std::count_if(names.begin(), names.end(), [&](const std::string& name) { return match(pattern, name).has_value(); });
    if (count != 0)
      set_at(config, rule->hf, Json(static_cast<std::int64_t>(count)));
  }
  return config;
}

Result<std::uint64_t> layer_count(const Map& map, const Json& config) {
  return first_whole_number(config, split(map.layers, '|'));
}

Result<std::uint64_t> vocab_size(const Map& map, const Json& config) {
  HEIRLOOM_TRY(const std::uint64_t size, whole_number(config, "vocab_size"));
  if (map.vocab_multiple.empty())
    return size;
  HEIRLOOM_TRY(const std::uint64_t multiple, number_of(config, map.vocab_multiple));
  const std::uint64_t rest = multiple == 0 ? 0 : size % multiple;
  return rest == 0 ? Result<std::uint64_t>(size) : checked::add(size, multiple - rest);
}

void set_at(Json& json, std::string_view path, Json value) {
  const std::size_t dot = path.find('.');
  if (json.object() == nullptr)
    json.value() = Json::Object{};
  if (dot == std::string_view::npos) {
    json.set(std::string(path), std::move(value));
    return;
  }
  const std::string head(path.substr(0, dot));
  const Json* found = json.find(head);
  Json inner = found == nullptr ? Json(Json::Object{}) : *found;
  set_at(inner, path.substr(dot + 1), std::move(value));
  json.set(head, std::move(inner));
}

}  // namespace heirloom::arch
