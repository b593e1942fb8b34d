#include "engine/tokenizer/attr_json.hpp"

#include "engine/tokenizer/byte_level.hpp"
#include "engine/tokenizer/source.hpp"

#include <array>
#include <cmath>
#include <limits>

namespace heirloom::tokenizer {

namespace {

using model::Json;

struct TypeName {
  std::string_view name;
  AttrType type;
};

constexpr std::array type_names = {
    TypeName{"u8", AttrType::u8},   TypeName{"i8", AttrType::i8},   TypeName{"u16", AttrType::u16},
    TypeName{"i16", AttrType::i16}, TypeName{"u32", AttrType::u32}, TypeName{"i32", AttrType::i32},
    TypeName{"f32", AttrType::f32}, TypeName{"bool", AttrType::boolean}, TypeName{"string", AttrType::string},
    TypeName{"u64", AttrType::u64}, TypeName{"i64", AttrType::i64}, TypeName{"f64", AttrType::f64}};

constexpr std::string_view array_prefix = "array:";

std::optional<std::string_view> name_of(AttrType type) {
  for (const TypeName& row : type_names)
    if (row.type == type)
      return row.name;
  return std::nullopt;
}

std::optional<AttrType> type_of(std::string_view name) {
  for (const TypeName& row : type_names)
    if (row.name == name)
      return row.type;
  return std::nullopt;
}

// Null when JSON has no form for it.
Json element_to_json(const Attr& attr, AttrType type, std::uint64_t index) {
  if (type == AttrType::string)
    return index < attr.strings.size() && is_utf8(attr.strings[index]) ? Json(Json::Value(attr.strings[index])) : Json();
  if (const auto flag = attr.get<bool>(index))
    return Json(Json::Value(*flag));
  if (const auto number = attr.get<std::uint64_t>(index))
    return Json(Json::Value(*number));
  if (const auto number = attr.get_integer(index))
    return Json(Json::Value(*number));
  const auto single = attr.get<float>(index);
  const auto number = single ? std::optional<double>(*single) : attr.get<double>(index);
  return number && std::isfinite(*number) ? Json(Json::Value(*number)) : Json();
}

template <class T>
bool put_integer(Attr& attr, const Json& value) {
  const auto* large = std::get_if<std::uint64_t>(&value.value());
  const auto small = value.integer();
  const bool fits = large != nullptr ? *large <= static_cast<std::uint64_t>(std::numeric_limits<T>::max())
                                     : small && std::in_range<T>(*small);
  if (!fits)
    return false;
  const T number = large != nullptr ? static_cast<T>(*large) : static_cast<T>(*small);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&number);
  attr.data.insert(attr.data.end(), bytes, bytes + sizeof number);
  return true;
}

template <class T>
bool put_number(Attr& attr, const Json& value) {
  const auto number = value.number();
  if (!number)
    return false;
  const T rounded = static_cast<T>(*number);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&rounded);
  attr.data.insert(attr.data.end(), bytes, bytes + sizeof rounded);
  return true;
}

bool put_element(Attr& attr, AttrType type, const Json& value) {
  switch (type) {
    case AttrType::u8: return put_integer<std::uint8_t>(attr, value);
    case AttrType::i8: return put_integer<std::int8_t>(attr, value);
    case AttrType::u16: return put_integer<std::uint16_t>(attr, value);
    case AttrType::i16: return put_integer<std::int16_t>(attr, value);
    case AttrType::u32: return put_integer<std::uint32_t>(attr, value);
    case AttrType::i32: return put_integer<std::int32_t>(attr, value);
    case AttrType::u64: return put_integer<std::uint64_t>(attr, value);
    case AttrType::i64: return put_integer<std::int64_t>(attr, value);
    case AttrType::f32: return put_number<float>(attr, value);
    case AttrType::f64: return put_number<double>(attr, value);
    case AttrType::boolean:
      if (value.boolean() == nullptr)
        return false;
      attr.data.push_back(*value.boolean() ? 1 : 0);
      return true;
    case AttrType::string:
      if (value.text() == nullptr)
        return false;
      attr.strings.push_back(*value.text());
      return true;
    case AttrType::array: return false;
  }
  return false;
}

}  // namespace

Json attr_to_json(const Attr& attr) {
  const bool is_array = attr.type == AttrType::array;
  const AttrType element = is_array ? attr.element : attr.type;
  const auto name = name_of(element);
  if (!name || !is_utf8(attr.key))
    return {};
  Json value;
  if (is_array) {
    Json::Array list;
    for (std::uint64_t i = 0; i < attr.count(); ++i) {
      list.push_back(element_to_json(attr, element, i));
      if (list.back().is_null())
        return {};
    }
    value = Json(Json::Value(std::move(list)));
  } else {
    value = element_to_json(attr, element, 0);
  }
  if (value.is_null())
    return {};
  return Json(Json::Value(Json::Object{
      {"key", Json(Json::Value(attr.key))},
      {"type", Json(Json::Value((is_array ? std::string(array_prefix) : std::string()) + std::string(*name)))},
      {"value", std::move(value)}}));
}

std::optional<Attr> attr_from_json(const Json& json) {
  std::string_view name = text_member(json, "type");
  const bool is_array = name.starts_with(array_prefix);
  if (is_array)
    name.remove_prefix(array_prefix.size());
  const auto type = type_of(name);
  const Json* value = json.find("value");
  Attr attr{std::string(text_member(json, "key"))};
  if (!type || value == nullptr || attr.key.empty())
    return std::nullopt;
  attr.type = is_array ? AttrType::array : *type;
  attr.element = is_array ? *type : attr.element;
  if (!is_array)
    return put_element(attr, *type, *value) ? std::optional<Attr>(std::move(attr)) : std::nullopt;
  if (value->array() == nullptr)
    return std::nullopt;
  for (const Json& element : *value->array())
    if (!put_element(attr, *type, element))
      return std::nullopt;
  return attr;
}

}  // namespace heirloom::tokenizer
