// GGUF keys -> config.json.
#include "engine/arch/config.hpp"
#include "engine/arch/pattern.hpp"
#include "engine/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace heirloom::arch {
namespace {

using model::Json;

// Sets a member by dotted path, making objects on the way.
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

// A binary32 as the double a person would have written: 1e-5, not 9.99999974737875e-06.
double shortest(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  double parsed = value;
  std::from_chars(text, end, parsed);
  return parsed;
}

Result<Json> json_from(const fb::KeyRuleT& rule, const Attr& attr) {
  if (const auto number = attr.get_integer(); number && attr.type != AttrType::boolean)
    return Json(*number);
  if (const auto flag = attr.get<bool>())
    return Json(*flag);
  if (const auto number = attr.get<float>())
    return Json(shortest(*number));
  if (const auto number = attr.get<double>())
    return Json(*number);
  if (const auto text = attr.get_text()) {
    if (rule.values.empty())
      return Json(std::string(*text));
    for (const auto& pair : rule.values)
      if (pair->gguf == *text)
        return Json(pair->hf);
  }
  return fail(Code::unsupported, "key " + base::quoted(attr.key) + " has a value that the map does not know");
}

std::optional<Json> from_tensors(const fb::ConfigRuleT& rule, const TensorFacts& tensors) {
  if (!rule.presence.empty())
    return Json(tensors.names.contains(rule.presence));
  if (!rule.absence.empty())
    return Json(!tensors.names.contains(rule.absence));
  if (!rule.rows_of.empty()) {
    for (const auto& [name, rows] : tensors.rows)
      if (name == rule.rows_of)
        return Json(static_cast<std::int64_t>(rows));
  }
  return std::nullopt;
}

// What the tensors say always holds; a recorded configuration keeps its silence about the rest.
Result<void> apply_config_rules(const Map& map, const std::vector<Attr>& attrs, const TensorFacts& tensors,
                                bool is_recorded, Json& config) {
  for (const auto& rule : map.config) {
    const Json* known = config.at(rule->hf);
    if (const auto value = from_tensors(*rule, tensors)) {
      const bool is_silent = is_recorded && known == nullptr;
      if (!is_silent && (known == nullptr || known->dump() != value->dump()))
        set_at(config, rule->hf, *value);
      continue;
    }
    if (known != nullptr || is_recorded)
      continue;
    const Attr* attr = rule->key.empty() ? nullptr : find_attr(attrs, rule->key);
    if (attr != nullptr) {
      if (const auto number = attr->get_integer())
        set_at(config, rule->hf, Json(*number));
    } else if (!rule->json.empty()) {
      HEIRLOOM_TRY(Json value, model::parse_json(rule->json));
      set_at(config, rule->hf, std::move(value));
    }
  }
  return {};
}

}  // namespace

Result<Json> config_from_keys(const Map& map, const std::vector<Attr>& attrs, const TensorFacts& tensors,
                              const Json& recorded) {
  Json config = recorded;
  const bool is_recorded = recorded.object() != nullptr;
  if (!is_recorded) {
    config = Json(Json::Object{});
    config.set("architectures", Json(Json::Array{Json(map.hf_classes.front())}));
    config.set("model_type", Json(map.model_type));
  }
  const Json seen = normalize(config);
  std::vector<Attr> given;
  if (is_recorded)
    if (auto keys = keys_from_config(map, seen, 0))
      given = std::move(keys->attrs);
  for (const auto& rule : map.keys) {
    if (!rule->back || rule->hf.empty())
      continue;
    const std::string gguf_key = expand_arch(rule->gguf, map.gguf_name);
    const Attr* attr = find_attr(attrs, gguf_key);
    if (attr == nullptr) {
      if (rule->optional || !rule->default_json.empty() || !rule->derive.empty() || is_recorded)
        continue;
      return fail(Code::malformed, "key " + base::quoted(gguf_key) + " is missing, so no config.json can be made");
    }
    const Attr* known = find_attr(given, gguf_key);
    if (known != nullptr && *known == *attr)
      continue;
    HEIRLOOM_TRY(Json value, json_from(*rule, *attr));
    set_at(config, rule->hf.front(), std::move(value));
  }
  HEIRLOOM_CHECK(apply_config_rules(map, attrs, tensors, is_recorded, config));
  return config;
}

}  // namespace heirloom::arch
