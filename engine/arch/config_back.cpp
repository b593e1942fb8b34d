// GGUF keys -> config.json.
#include "engine/arch/config.hpp"
#include "engine/arch/derive.hpp"
#include "engine/arch/pattern.hpp"
#include "engine/arch/shape.hpp"
#include "engine/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace heirloom::arch {
namespace {

using model::Json;

Error wrong_type(const Attr& attr, std::string_view wanted) {
  return {Code::malformed, "key " + base::quoted(attr.key) + " is not " + std::string(wanted)};
}

// A single value; some files give one for each layer, which the maps do not do.
Result<void> require_scalar(const Attr& attr, std::string_view wanted) {
  if (attr.type != AttrType::array)
    return {};
  if (attr.element == AttrType::string || attr.element == AttrType::boolean)
    return fail(wrong_type(attr, wanted));
  return fail(Code::unsupported, "key " + base::quoted(attr.key) + " is an array: values of its own for each layer are not "
                                                                   "supported; --as-is keeps names and layout");
}

Result<std::int64_t> integer_from(const Attr& attr, std::int64_t lowest, std::int64_t highest) {
  const std::string wanted = "a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest);
  HEIRLOOM_CHECK(require_scalar(attr, wanted));
  const auto number = attr.get_integer();
  if (attr.type == AttrType::boolean || !number || *number < lowest || *number > highest)
    return fail(wrong_type(attr, wanted));
  return *number;
}

Result<double> number_from(const Attr& attr) {
  constexpr std::string_view wanted = "a finite number with a fraction";
  HEIRLOOM_CHECK(require_scalar(attr, wanted));
  std::optional<double> number = attr.get<double>();
  if (const auto narrow = attr.get<float>())
    number = std::isfinite(*narrow) ? shortest(*narrow) : static_cast<double>(*narrow);
  if (!number || !std::isfinite(*number) || std::abs(*number) > static_cast<double>(std::numeric_limits<float>::max()))
    return fail(wrong_type(attr, wanted));
  return *number;
}

// The configuration's text for a value of the GGUF, as the map translates it.
Result<Json> translated(const fb::KeyRuleT& rule, const Attr& attr, std::string_view text) {
  if (rule.values.empty())
    return Json(std::string(text));
  for (const auto& pair : rule.values)
    if (pair->gguf == text)
      return Json(pair->hf);
  return fail(Code::unsupported, "key " + base::quoted(attr.key) + " has a value that the map does not know");
}

// The configuration's number for one of the GGUF.
Result<Json> translated_number(const fb::KeyRuleT& rule, const Attr& attr) {
  const auto number = attr.get<float>();
  for (const auto& pair : rule.values)
    if (number && number == static_cast<float>(number_in(pair->gguf).value_or(0)))
      return model::parse_json(pair->hf);
  return fail(Code::unsupported, "key " + base::quoted(attr.key) + " has a value that the map does not know");
}

// The value of a key that has the rule's class of type: any width of whole number, either width of fraction.
Result<Json> json_from(const fb::KeyRuleT& rule, const Attr& attr) {
  switch (static_cast<AttrType>(rule.type)) {
    case AttrType::u32: {
      HEIRLOOM_TRY(const std::int64_t number, integer_from(attr, 0, std::numeric_limits<std::uint32_t>::max()));
      return rule.values.empty() ? Json(number) : translated(rule, attr, std::to_string(number));
    }
    case AttrType::i32: {
      HEIRLOOM_TRY(const std::int64_t number, integer_from(attr, std::numeric_limits<std::int32_t>::min(),
                                                          std::numeric_limits<std::int32_t>::max()));
      return rule.values.empty() ? Json(number) : translated(rule, attr, std::to_string(number));
    }
    case AttrType::f32: {
      if (!rule.values.empty())
        return translated_number(rule, attr);
      HEIRLOOM_TRY(const double number, number_from(attr));
      return Json(number);
    }
    case AttrType::boolean: {
      const auto flag = attr.type == AttrType::boolean ? attr.get<bool>() : std::nullopt;
      if (!flag)
        return fail(wrong_type(attr, "true or false"));
      return rule.values.empty() ? Json(*flag) : translated(rule, attr, *flag ? "true" : "false");
    }
    case AttrType::string:
      if (!attr.get_text())
        return fail(wrong_type(attr, "text"));
      return translated(rule, attr, *attr.get_text());
    default: return fail(Code::unsupported, "the map gives key " + base::quoted(attr.key) + " a type that is not implemented");
  }
}

// A list of a value for each layer.
Result<Json> list_from(const fb::KeyRuleT& rule, const Attr& attr, std::uint64_t layers) {
  if (attr.type != AttrType::array || attr.element == AttrType::string || attr.count() != layers)
    return fail(wrong_type(attr, "a list of a value for each of the " + std::to_string(layers) + " layers"));
  Json::Array list;
  const std::size_t width = layers == 0 ? 0 : attr.data.size() / layers;
  for (std::uint64_t i = 0; i < layers; ++i) {
    Attr one{attr.key, attr.element};
    one.data.assign(attr.data.data() + i * width, attr.data.data() + (i + 1) * width);
    HEIRLOOM_TRY(Json value, json_from(rule, one));
    list.push_back(std::move(value));
  }
  return Json(std::move(list));
}

// The share of a head that is rotated.
Result<Json> rotary_share(const Attr& attr, const Json& config) {
  HEIRLOOM_TRY(const std::uint64_t size, head_dim(normalize(config)));
  HEIRLOOM_TRY(const std::int64_t rotated, integer_from(attr, 1, static_cast<std::int64_t>(size)));
  return Json(static_cast<double>(rotated) / static_cast<double>(size));
}

// The first or the last value of a list.
Result<Json> edge_value(const fb::KeyRuleT& rule, const Attr& attr, bool is_first) {
  const std::size_t width = width_of(attr.element);
  if (attr.element == AttrType::string || width == 0 || attr.data.size() < width)
    return fail(wrong_type(attr, "a list of numbers"));
  Attr one{attr.key, attr.element};
  const std::uint8_t* const from = attr.data.data() + (is_first ? 0 : attr.data.size() - width);
  one.data.assign(from, from + width);
  return json_from(rule, one);
}

bool is_key(std::string_view dimension) { return dimension.find_first_of("*+/|[") == std::string_view::npos; }

// The one value of a list that has 0 for some layers; null where all are 0.
Result<Json> set_value(const fb::KeyRuleT& rule, const Attr& attr) {
  if (attr.type != AttrType::array)
    return json_from(rule, attr);
  Json value;
  const std::size_t width = width_of(attr.element);
  for (std::size_t at = 0; width != 0 && at + width <= attr.data.size(); at += width) {
    Attr one{attr.key, attr.element};
    one.data.assign(attr.data.data() + at, attr.data.data() + at + width);
    HEIRLOOM_TRY(Json item, json_from(rule, one));
    if (item.number() == 0.0)
      continue;
    if (!value.is_null() && value.dump() != item.dump())
      return fail(Code::unsupported, "key " + base::quoted(attr.key) + " has several values: layers that differ in it are not supported");
    value = std::move(item);
  }
  return value;
}

// Without the zeros behind.
Result<Json> unpadded(const fb::KeyRuleT& rule, const Attr& attr) {
  HEIRLOOM_TRY(Json list, list_from(rule, attr, attr.count()));
  Json::Array items = *list.array();
  while (items.size() > 1 && items.back().number() == 0.0)
    items.pop_back();
  return Json(std::move(items));
}

// What each layer's tensors tell.
std::optional<Json> layer_values(const Map& map, const fb::ConfigRuleT& rule, const TensorFacts& tensors, const Json& config) {
  const auto layers = layer_count(map, normalize(config));
  if (!layers || *layers > tensors.names.size())
    return std::nullopt;
  std::string joined;
  Json::Array list;
  for (std::uint64_t i = 0; i < *layers; ++i) {
    const auto found = std::find_if(rule.layer_values.begin(), rule.layer_values.end(),
                                    [&](const auto& value) { return tensors.names.contains(expand(value->tensor, i)); });
    if (found == rule.layer_values.end())
      continue;
    joined += (*found)->value;
    list.push_back(rule.numbers ? Json(static_cast<std::int64_t>(i + rule.first)) : Json((*found)->value));
  }
  return rule.joined ? Json(std::move(joined)) : Json(std::move(list));
}

std::optional<Json> from_tensors(const Map& map, const fb::ConfigRuleT& rule, const TensorFacts& tensors, const Json& config) {
  if (!rule.layer_values.empty())
    return layer_values(map, rule, tensors, config);
  if (!rule.presence.empty() && rule.json.empty())
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

void remove_member(Json& config, const std::string& key) {
  Json::Object kept;
  for (const auto& member : *config.object())
    if (member.first != key)
      kept.push_back(member);
  config = Json(std::move(kept));
}

// A key that tells how a tensor is stored.
Result<void> apply_stored(const fb::ConfigRuleT& rule, const TensorFacts& tensors, bool is_recorded, Json& config) {
  const bool is_so = std::find(tensors.encodings.begin(), tensors.encodings.end(), std::pair(rule.stored, rule.stored_as)) !=
                     tensors.encodings.end();
  if (config.find(rule.hf) != nullptr && !is_so)
    remove_member(config, rule.hf);
  if (config.find(rule.hf) == nullptr && is_so && !is_recorded) {
    HEIRLOOM_TRY(Json value, model::parse_json(rule.json));
    config.set(rule.hf, std::move(value));
  }
  return {};
}

// What the tensors say always holds; a recorded configuration keeps its silence about the rest.
Result<void> apply_config_rules(const Map& map, const std::vector<Attr>& attrs, const TensorFacts& tensors,
                                bool is_recorded, Json& config) {
  for (const auto& rule : map.config) {
    const Json* known = config.at(rule->hf);
    if (!rule->stored.empty()) {
      HEIRLOOM_CHECK(apply_stored(*rule, tensors, is_recorded, config));
      continue;
    }
    if (const auto value = from_tensors(map, *rule, tensors, config)) {
      const bool is_silent = is_recorded && known == nullptr;
      if (!is_silent && (known == nullptr || known->dump() != value->dump()))
        set_at(config, rule->hf, *value);
      continue;
    }
    if (known != nullptr || is_recorded || !holds(rule->when.get(), normalize(config)) ||
        (!rule->presence.empty() && !tensors.names.contains(rule->presence)))
      continue;
    const Attr* attr = rule->key.empty() ? nullptr : find_attr(attrs, rule->key);
    if (!rule->is_list.empty()) {
      const Attr* list = find_attr(attrs, expand_arch(rule->is_list, map.gguf_name));
      set_at(config, rule->hf, Json(list != nullptr && list->type == AttrType::array));
    } else if (attr != nullptr) {
      HEIRLOOM_TRY(const std::int64_t number, integer_from(*attr, std::numeric_limits<std::int32_t>::min(),
                                                          std::numeric_limits<std::uint32_t>::max()));
      set_at(config, rule->hf, Json(number));
    } else if (!rule->json.empty()) {
      HEIRLOOM_TRY(Json value, model::parse_json(rule->json));
      set_at(config, rule->hf, std::move(value));
    } else if (!rule->equals.empty()) {
      HEIRLOOM_TRY(const std::uint64_t value, number_of(normalize(config), rule->equals));
      set_at(config, rule->hf, Json(static_cast<std::int64_t>(value)));
    } else if (const Json* other = rule->same_as.empty() ? nullptr : config.at(rule->same_as)) {
      set_at(config, rule->hf, Json(*other));
    }
  }
  return {};
}

Result<Json> value_from(const Map& map, const fb::KeyRuleT& rule, const Attr& attr, const TensorFacts& tensors, const Json& config) {
  if (rule.derive == "rotary_dim")
    return rotary_share(attr, config);
  if (!rule.layers.empty())
    return rule.others.empty() || attr.type != AttrType::array ? set_value(rule, attr) : edge_value(rule, attr, true);
  if (rule.padded != 0)
    return unpadded(rule, attr);
  if (!rule.per_layer) {
    HEIRLOOM_TRY(Json value, json_from(rule, attr));
    return uncomputed(rule, with_counts(map, normalize(config), tensors.names, true), attr.key, std::move(value));
  }
  HEIRLOOM_TRY(const std::uint64_t layers, layer_count(map, config));
  return list_from(rule, attr, layers);
}

bool makes_list(const fb::KeyRuleT& rule) { return rule.per_layer || !rule.layers.empty() || rule.padded != 0; }

// Of two rules for a key, one makes a list and the other a value.
bool is_for_other_kind(const Map& map, const fb::KeyRuleT& rule, const Attr& attr) {
  const bool is_list = attr.type == AttrType::array;
  return makes_list(rule) != is_list && std::any_of(map.keys.begin(), map.keys.end(), [&](const auto& other) {
    return other->gguf == rule.gguf && makes_list(*other) == is_list;
  });
}

// `given` are the keys that a recorded configuration makes.
Result<void> apply_key_rule(const Map& map, const fb::KeyRuleT& rule, const std::vector<Attr>& attrs,
                            const std::vector<Attr>& given, const TensorFacts& tensors, bool is_recorded, Json& config) {
  const std::string gguf_key = expand_arch(rule.gguf, map.gguf_name);
  const Attr* attr = find_attr(attrs, gguf_key);
  if (attr == nullptr) {
    if (rule.optional || !rule.default_json.empty() || !rule.derive.empty() || !rule.product.empty() || is_recorded)
      return {};
    return fail(Code::malformed, "key " + base::quoted(gguf_key) + " is missing, so no config.json can be made");
  }
  const Attr* known = find_attr(given, gguf_key);
  if ((known != nullptr && *known == *attr) || is_for_other_kind(map, rule, *attr))
    return {};
  if (!rule.others.empty() && is_key(rule.others) && attr->type == AttrType::array) {
    HEIRLOOM_TRY(Json last, edge_value(rule, *attr, false));
    set_at(config, rule.others, std::move(last));
  }
  HEIRLOOM_TRY(Json value, value_from(map, rule, *attr, tensors, config));
  if (value.is_null())
    return {};
  if (!rule.default_is_silence || value.dump() != rule.default_json)
    set_at(config, rule.hf.front(), std::move(value));
  return {};
}

// `config` holds the text model's keys.
Result<void> apply_rules(const Map& map, const std::vector<Attr>& attrs, const TensorFacts& tensors,
                         const std::vector<Attr>& given, bool is_recorded, Json& config) {
  // Those that need other keys last.
  for (const bool is_last : {false, true})
    for (const auto& rule : map.keys)
      if (rule->back && !rule->hf.empty() && (rule->derive == "rotary_dim" || is_computed(*rule)) == is_last)
        HEIRLOOM_CHECK(apply_key_rule(map, *rule, attrs, given, tensors, is_recorded, config));
  return apply_config_rules(map, attrs, tensors, is_recorded, config);
}

std::vector<Attr> all_of(ConfigKeys keys) {
  std::vector<Attr> all = std::move(keys.early);
  all.insert(all.end(), std::make_move_iterator(keys.attrs.begin()), std::make_move_iterator(keys.attrs.end()));
  return all;
}

}  // namespace

Result<Json> config_from_keys(const Map& map, const std::vector<Attr>& attrs, const TensorFacts& tensors,
                              const Json& recorded) {
  Json whole = recorded;
  const bool is_recorded = recorded.object() != nullptr;
  if (!is_recorded) {
    whole = Json(Json::Object{});
    whole.set("architectures", Json(Json::Array{Json(map.hf_classes.front())}));
    whole.set("model_type", Json(map.model_type));
  }
  std::vector<Attr> given;
  if (is_recorded)
    if (auto keys = keys_from_config(map, with_counts(map, normalize(whole), tensors.names, true), 0))
      given = all_of(*std::move(keys));
  // The tensors are as they were before they were quantized, unless a rule says how they are stored.
  const bool is_stored_so = std::any_of(map.config.begin(), map.config.end(), [](const auto& rule) { return rule->hf == "quantization_config"; });
  if (is_recorded && !is_stored_so && whole.find("quantization_config") != nullptr)
    remove_member(whole, "quantization_config");
  const Json* text = whole.find("text_config");
  const bool is_nested = is_recorded ? text != nullptr && text->object() != nullptr
                                     : !map.text_model_type.empty() && map.text_model_type != map.model_type;
  if (!is_nested) {
    HEIRLOOM_CHECK(apply_rules(map, attrs, tensors, given, is_recorded, whole));
    return whole;
  }
  Json inner = is_recorded ? *text : Json(Json::Object{});
  if (!is_recorded)
    inner.set("model_type", Json(map.text_model_type));
  HEIRLOOM_CHECK(apply_rules(map, attrs, tensors, given, is_recorded, inner));
  whole.set("text_config", std::move(inner));
  return whole;
}

}  // namespace heirloom::arch
