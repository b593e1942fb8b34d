#include "engine/arch/config.hpp"

#include "engine/arch/pattern.hpp"
#include "engine/base/text.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace heirloom::arch {
namespace {

using model::Json;

bool is_present(const Json* json) { return json != nullptr && !json->is_null(); }

std::string as_text(const Json& json) { return json.text() != nullptr ? *json.text() : json.dump(); }

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

Error wrong_value(std::string_view path, const Json& value, std::string_view wanted) {
  return {Code::malformed, "configuration key " + base::quoted(path) + " is " + value.dump() + ", not " +
                               std::string(wanted), no_position, "config.json"};
}

Result<std::string> translated(const fb::KeyRuleT& rule, std::string_view path, const Json& value) {
  for (const auto& pair : rule.values)
    if (value.text() != nullptr && pair->hf == *value.text())
      return pair->gguf;
  return fail(wrong_value(path, value, "a value that the map knows"));
}

Result<Attr> attr_from(const fb::KeyRuleT& rule, const std::string& gguf_key, std::string_view path, const Json& value) {
  switch (static_cast<AttrType>(rule.type)) {
    case AttrType::u32: {
      const auto number = value.integer();
      if (!number || *number < 0 || *number > std::numeric_limits<std::uint32_t>::max())
        return fail(wrong_value(path, value, "a whole number from 0 to 4294967295"));
      return Attr::scalar(gguf_key, static_cast<std::uint32_t>(*number));
    }
    case AttrType::f32: {
      const auto number = value.number();
      if (!number || !std::isfinite(static_cast<float>(*number)))
        return fail(wrong_value(path, value, "a finite number"));
      return Attr::scalar(gguf_key, static_cast<float>(*number));
    }
    case AttrType::boolean:
      if (!rule.values.empty()) {
        HEIRLOOM_TRY(const std::string text, translated(rule, path, value));
        return Attr::scalar(gguf_key, text == "true");
      }
      if (value.boolean() == nullptr)
        return fail(wrong_value(path, value, "true or false"));
      return Attr::scalar(gguf_key, *value.boolean());
    case AttrType::string: {
      if (value.text() == nullptr)
        return fail(wrong_value(path, value, "text"));
      if (rule.values.empty())
        return Attr::text(gguf_key, *value.text());
      HEIRLOOM_TRY(std::string text, translated(rule, path, value));
      return Attr::text(gguf_key, std::move(text));
    }
    default: return fail(Code::unsupported, "the map gives key " + base::quoted(gguf_key) + " a type that is not implemented");
  }
}

// A list of a value for each layer. A default, which has no path, is repeated.
Result<Attr> list_from(const fb::KeyRuleT& rule, const std::string& gguf_key, std::string_view path, const Json& value,
                       std::uint64_t layers) {
  constexpr std::uint64_t max_layers = 1u << 16;
  const Json::Array* list = value.array();
  if (list == nullptr || list->empty() || layers > max_layers || (!path.empty() && list->size() != layers))
    return fail(wrong_value(path, value, "a list of a value for each of the " + std::to_string(layers) + " layers"));
  Attr all{gguf_key, AttrType::array, static_cast<AttrType>(rule.type)};
  for (std::uint64_t i = 0; i < layers; ++i) {
    HEIRLOOM_TRY(const Attr one, attr_from(rule, gguf_key, path, (*list)[i % list->size()]));
    all.data.insert(all.data.end(), one.data.begin(), one.data.end());
    all.strings.insert(all.strings.end(), one.strings.begin(), one.strings.end());
  }
  return all;
}

// The number of dimensions of a head that are rotated.
Result<Json> rotary_dim(const Json& config, std::string_view path, const Json& share) {
  const auto number = share.number();
  if (!number || !(*number > 0) || *number > 1)
    return fail(wrong_value(path, share, "a number above 0, up to 1"));
  HEIRLOOM_TRY(const std::uint64_t size, head_dim(config));
  return Json(static_cast<std::int64_t>(static_cast<double>(size) * *number));
}

// What the configuration says, and the path it was found at ("" when derived or by default); null when there is none.
Result<std::pair<Json, std::string>> said_of(const fb::KeyRuleT& rule, const Json& config) {
  for (const std::string& path : rule.hf)
    if (const Json* found = config.at(path); is_present(found))
      return std::pair(*found, path);
  if (rule.derive == "head_dim") {
    HEIRLOOM_TRY(const std::uint64_t size, head_dim(config));
    return std::pair(Json(static_cast<std::int64_t>(size)), std::string());
  }
  if (!rule.default_json.empty()) {
    HEIRLOOM_TRY(Json value, model::parse_json(rule.default_json));
    return std::pair(std::move(value), std::string());
  }
  return std::pair(Json(), std::string());
}

Result<std::pair<Json, std::string>> value_of(const fb::KeyRuleT& rule, const Json& config) {
  HEIRLOOM_TRY(auto said, said_of(rule, config));
  if (rule.derive == "rotary_dim" && !said.first.is_null()) {
    HEIRLOOM_TRY(said.first, rotary_dim(config, said.second, said.first));
  }
  return said;
}

std::string list_of(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts)
    list += (list.empty() ? "" : ", ") + text;
  return list;
}

Error not_allowed(const Map& map, const fb::ConfigRuleT& rule, const Json& value, const std::string& right) {
  return {Code::unsupported,
          "configuration key " + base::quoted(rule.hf) + " is " + value.dump() + "; the map \"" + map.id + "\" is right for " +
              right + "; --as-is keeps names and layout, --arch-map brings another map",
          no_position, "config.json"};
}

bool is_repeated(const std::vector<std::string>& texts, const Json& value, std::uint64_t layers) {
  const Json::Array* list = value.array();
  if (list == nullptr || list->size() != layers)
    return false;
  for (std::size_t i = 0; i < list->size(); ++i)
    if ((*list)[i].dump() != texts[i % texts.size()])
      return false;
  return true;
}

}  // namespace

Json normalize(const Json& config) {
  if (config.object() == nullptr)
    return config;
  Json out = config;
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

bool holds(const fb::ConditionT* condition, const Json& config) {
  if (condition == nullptr)
    return true;
  const Json* value = config.at(condition->key);
  const auto& wanted = condition->values;
  const bool is_met = is_present(value) && (wanted.empty() || std::find(wanted.begin(), wanted.end(), as_text(*value)) !=
                                                                  wanted.end());
  return is_met != condition->negate;
}

Result<std::uint64_t> whole_number(const Json& config, std::string_view key) {
  const Json* value = config.at(key);
  if (!is_present(value))
    return fail(Error{Code::malformed, "configuration key " + base::quoted(key) + " is missing", no_position, "config.json"});
  const auto number = value->integer();
  if (!number || *number < 0 || *number > std::numeric_limits<std::int32_t>::max())
    return fail(wrong_value(key, *value, "a whole number from 0 to 2147483647"));
  return static_cast<std::uint64_t>(*number);
}

Result<std::uint64_t> head_dim(const Json& config) {
  if (is_present(config.at("head_dim")))
    return whole_number(config, "head_dim");
  HEIRLOOM_TRY(const std::uint64_t hidden, whole_number(config, "hidden_size"));
  HEIRLOOM_TRY(const std::uint64_t heads, whole_number(config, "num_attention_heads"));
  if (heads == 0 || hidden % heads != 0)
    return fail(Error{Code::malformed, "hidden_size " + std::to_string(hidden) + " is not a multiple of num_attention_heads " +
                                           std::to_string(heads), no_position, "config.json"});
  return hidden / heads;
}

Result<void> check_allowed(const Map& map, const Json& config) {
  for (const auto& rule : map.config) {
    const Json* value = config.at(rule->hf);
    if (!is_present(value))
      continue;
    if (!rule->allowed.empty() &&
        std::find(rule->allowed.begin(), rule->allowed.end(), value->dump()) == rule->allowed.end())
      return fail(not_allowed(map, *rule, *value, list_of(rule->allowed) + " only"));
    if (!rule->repeats.empty()) {
      HEIRLOOM_TRY(const std::uint64_t layers, whole_number(config, map.layers));
      if (!is_repeated(rule->repeats, *value, layers))
        return fail(not_allowed(map, *rule, *value, list_of(rule->repeats) + " repeated over " + std::to_string(layers) +
                                                        " layers only"));
    }
  }
  return {};
}

Result<void> check_rope_scaling(const Json& config) {
  for (const char* key : {"rope_scaling", "rope_parameters"})
    if (const Json* value = config.find(key); is_present(value) && value->object() == nullptr)
      return fail(wrong_value(key, *value, "an object or null"));
  return {};
}

Result<ConfigKeys> keys_from_config(const Map& map, const Json& config, std::uint32_t file_type) {
  HEIRLOOM_CHECK(check_rope_scaling(config));
  ConfigKeys keys;
  for (const auto& rule : map.keys) {
    if (!holds(rule->when.get(), config))
      continue;
    const std::string gguf_key = expand_arch(rule->gguf, map.gguf_name);
    if (rule->derive == "file_type") {
      keys.attrs.push_back(Attr::scalar(gguf_key, file_type));
      continue;
    }
    HEIRLOOM_TRY(const auto found, value_of(*rule, config));
    const auto& [value, path] = found;
    if (value.is_null()) {
      if (rule->optional)
        continue;
      return fail(Error{Code::malformed, "configuration key " + base::quoted(rule->hf.empty() ? gguf_key : rule->hf.front()) +
                                             " is missing", no_position, "config.json"});
    }
    if (rule->per_layer) {
      HEIRLOOM_TRY(const std::uint64_t layers, whole_number(config, map.layers));
      HEIRLOOM_TRY(Attr attr, list_from(*rule, gguf_key, path, value, layers));
      keys.attrs.push_back(std::move(attr));
    } else {
      HEIRLOOM_TRY(Attr attr, attr_from(*rule, gguf_key, path, value));
      keys.attrs.push_back(std::move(attr));
    }
    if (!path.empty())
      keys.used.insert(path);
  }
  return keys;
}

}  // namespace heirloom::arch
