#include "engine/arch/config.hpp"

#include "engine/arch/derive.hpp"
#include "engine/arch/layers.hpp"
#include "engine/arch/pattern.hpp"
#include "engine/arch/shape.hpp"
#include "engine/base/text.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace heirloom::arch {
namespace {

using model::Json;

bool is_present(const Json* json) { return json != nullptr && !json->is_null(); }

std::string as_text(const Json& json) { return json.text() != nullptr ? *json.text() : json.dump(); }

Error wrong_value(std::string_view path, const Json& value, std::string_view wanted) {
  return {Code::malformed, "configuration key " + base::quoted(path) + " is " + value.dump() + ", not " +
                               std::string(wanted), no_position, "config.json"};
}

Result<std::string> translated(const fb::KeyRuleT& rule, std::string_view path, const Json& value) {
  for (const auto& pair : rule.values)
    if (value.text() != nullptr ? pair->hf == *value.text() : value.number() && number_in(pair->hf) == value.number())
      return pair->gguf;
  return fail(wrong_value(path, value, "a value that the map knows"));
}

// A whole number, or one that stands for a text.
Result<std::int64_t> whole_value(const fb::KeyRuleT& rule, std::string_view path, const Json& value, std::int64_t lowest,
                                 std::int64_t highest) {
  std::optional<std::int64_t> number = value.integer();
  if (!rule.values.empty()) {
    HEIRLOOM_TRY(const std::string digits, translated(rule, path, value));
    HEIRLOOM_TRY(const Json parsed, model::parse_json(digits));
    number = parsed.integer();
  }
  if (!number || *number < lowest || *number > highest)
    return fail(wrong_value(path, value, "a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest)));
  return *number;
}

Result<Attr> attr_from(const fb::KeyRuleT& rule, const std::string& gguf_key, std::string_view path, const Json& value) {
  switch (static_cast<AttrType>(rule.type)) {
    case AttrType::u32: {
      HEIRLOOM_TRY(const std::int64_t number, whole_value(rule, path, value, 0, std::numeric_limits<std::uint32_t>::max()));
      return Attr::scalar(gguf_key, static_cast<std::uint32_t>(number));
    }
    case AttrType::i32: {
      constexpr std::int64_t lowest = std::numeric_limits<std::int32_t>::min();
      HEIRLOOM_TRY(const std::int64_t number, whole_value(rule, path, value, lowest, std::numeric_limits<std::int32_t>::max()));
      return Attr::scalar(gguf_key, static_cast<std::int32_t>(number));
    }
    case AttrType::f32: {
      if (!rule.values.empty()) {
        HEIRLOOM_TRY(const std::string digits, translated(rule, path, value));
        return Attr::scalar(gguf_key, static_cast<float>(number_in(digits).value_or(0)));
      }
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

// The one value for each layer of a set, 0 or another for the others.
Result<Attr> set_list_from(const fb::KeyRuleT& rule, const std::string& gguf_key, std::string_view path, const Json& value,
                           const Layers& layers, const Json& config) {
  HEIRLOOM_TRY(const Attr one, attr_from(rule, gguf_key, path, value));
  Attr other{gguf_key, one.type};
  other.data.resize(one.data.size());
  if (!rule.others.empty()) {
    HEIRLOOM_TRY(const std::uint64_t number, number_of(config, rule.others));
    HEIRLOOM_TRY(other, attr_from(rule, gguf_key, rule.others, Json(static_cast<std::int64_t>(number))));
  }
  Attr all{gguf_key, AttrType::array, one.type};
  for (std::uint64_t i = 0; i < layers.count(); ++i) {
    const Attr& own = layers.contains({rule.layers}, i) ? one : other;
    all.data.insert(all.data.end(), own.data.begin(), own.data.end());
  }
  return all;
}

// A list of numbers, with zeros behind.
Result<Attr> padded_from(const fb::KeyRuleT& rule, const std::string& gguf_key, std::string_view path, const Json& value) {
  const Json::Array* list = value.array();
  if (list == nullptr || list->empty() || list->size() > rule.padded)
    return fail(wrong_value(path, value, "a list of at most " + std::to_string(rule.padded) + " numbers"));
  Attr all{gguf_key, AttrType::array, static_cast<AttrType>(rule.type)};
  for (const Json& item : *list) {
    HEIRLOOM_TRY(const Attr one, attr_from(rule, gguf_key, path, item));
    all.data.insert(all.data.end(), one.data.begin(), one.data.end());
  }
  all.data.resize(rule.padded * std::size_t{width_of(all.element)});
  return all;
}

Result<Attr> any_from(const Map& map, const fb::KeyRuleT& rule, const std::string& gguf_key, std::string_view path,
                      const Json& value, const Json& config) {
  if (rule.padded != 0)
    return padded_from(rule, gguf_key, path, value);
  if (!rule.layers.empty()) {
    HEIRLOOM_TRY(const Layers layers, Layers::read(map, config));
    return set_list_from(rule, gguf_key, path, value, layers, config);
  }
  if (!rule.per_layer)
    return attr_from(rule, gguf_key, path, value);
  HEIRLOOM_TRY(const std::uint64_t layers, layer_count(map, config));
  return list_from(rule, gguf_key, path, value, layers);
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
  if (rule.derive == "longrope_attn_factor") {
    HEIRLOOM_TRY(Json factor, longrope_attn_factor(config));
    return std::pair(std::move(factor), std::string());
  }
  if (!rule.product.empty()) {
    HEIRLOOM_TRY(const std::uint64_t size, number_of(config, rule.product));
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
  if (!said.first.is_null()) {
    HEIRLOOM_TRY(said.first, computed(rule, config, said.second, std::move(said.first)));
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

Result<void> check_equal(const Map& map, const fb::ConfigRuleT& rule, const Json& value, const Json& config) {
  if (rule.equals.empty())
    return {};
  HEIRLOOM_TRY(const std::uint64_t wanted, number_of(config, rule.equals));
  if (value.number() != static_cast<double>(wanted))
    return fail(not_allowed(map, rule, value, std::to_string(wanted) + ", which is " + rule.equals + ", only"));
  return {};
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

Result<void> check_allowed(const Map& map, const Json& said) {
  HEIRLOOM_TRY(const Json config, complete(map, said));
  for (const auto& rule : map.config) {
    const Json* value = config.at(rule->hf);
    if (!is_present(value) || !holds(rule->when.get(), config))
      continue;
    HEIRLOOM_CHECK(check_equal(map, *rule, *value, config));
    if (const Json* other = rule->same_as.empty() ? nullptr : config.at(rule->same_as);
        is_present(other) && other->number() != value->number())
      return fail(not_allowed(map, *rule, *value, other->dump() + ", which is " + base::quoted(rule->same_as) + ", only"));
    if (!rule->allowed.empty() &&
        std::find(rule->allowed.begin(), rule->allowed.end(), value->dump()) == rule->allowed.end())
      return fail(not_allowed(map, *rule, *value, list_of(rule->allowed) + " only"));
    if (!rule->repeats.empty()) {
      HEIRLOOM_TRY(const std::uint64_t layers, layer_count(map, config));
      if (!is_repeated(rule->repeats, *value, layers))
        return fail(not_allowed(map, *rule, *value, list_of(rule->repeats) + " repeated over " + std::to_string(layers) +
                                                        " layers only"));
    }
  }
  return {};
}

std::vector<std::string> unsaid_of(const Map& map, const Json& config) {
  std::vector<std::string> warnings;
  for (const auto& rule : map.config)
    if (const Json* value = config.at(rule->hf);
        is_present(value) && std::find(rule->unsaid.begin(), rule->unsaid.end(), value->dump()) != rule->unsaid.end())
      warnings.push_back("configuration key " + base::quoted(rule->hf) + " is " + value->dump() +
                         ", which GGUF has no key for: llama.cpp will do without it");
  return warnings;
}

Result<void> check_rope_scaling(const Json& config) {
  for (const char* key : {"rope_scaling", "rope_parameters"})
    if (const Json* value = config.find(key); is_present(value) && value->object() == nullptr)
      return fail(wrong_value(key, *value, "an object or null"));
  return {};
}

Result<ConfigKeys> keys_from_config(const Map& map, const Json& said, std::uint32_t file_type) {
  HEIRLOOM_CHECK(check_rope_scaling(said));
  HEIRLOOM_TRY(const Json config, complete(map, said));
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
    HEIRLOOM_TRY(Attr attr, any_from(map, *rule, gguf_key, path, value, config));
    (rule->is_early ? keys.early : keys.attrs).push_back(std::move(attr));
    if (!path.empty())
      keys.used.insert(path);
  }
  return keys;
}

}  // namespace heirloom::arch
