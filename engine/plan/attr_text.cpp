#include "engine/plan/attr_text.hpp"

#include "engine/base/text.hpp"
#include "engine/model/json.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_map>

namespace heirloom::plan {
namespace {

using model::Json;

struct TypeName {
  AttrType type;
  std::string_view name;
};
constexpr std::array type_names = {
    TypeName{AttrType::u8, "u8"},     TypeName{AttrType::i8, "i8"},       TypeName{AttrType::u16, "u16"},
    TypeName{AttrType::i16, "i16"},   TypeName{AttrType::u32, "u32"},     TypeName{AttrType::i32, "i32"},
    TypeName{AttrType::f32, "f32"},   TypeName{AttrType::boolean, "bool"}, TypeName{AttrType::string, "string"},
    TypeName{AttrType::array, "array"}, TypeName{AttrType::u64, "u64"},   TypeName{AttrType::i64, "i64"},
    TypeName{AttrType::f64, "f64"},
};

bool is_utf8(std::string_view text) { return model::parse_json(Json(std::string(text)).dump()).has_value(); }

// Floats that are not finite, and NaN payloads, as the hexadecimal bits.
template <class Float, class Bits>
Json float_json(Float value) {
  if (std::isfinite(value))
    return Json(static_cast<double>(value));
  char text[2 + 2 * sizeof(Bits)] = {'0', 'x'};
  const auto end = std::to_chars(text + 2, text + sizeof text, std::bit_cast<Bits>(value), 16).ptr;
  return Json(std::string(text, end));
}

Json element_json(const Attr& attr, AttrType type, std::uint64_t i) {
  switch (type) {
    case AttrType::string: return Json(attr.strings[i]);
    case AttrType::boolean: return Json(*attr.get<bool>(i));
    case AttrType::f32: return float_json<float, std::uint32_t>(*attr.get<float>(i));
    case AttrType::f64: return float_json<double, std::uint64_t>(*attr.get<double>(i));
    case AttrType::u64: return Json(*attr.get<std::uint64_t>(i));
    default: return Json(*attr.get_integer(i));
  }
}

template <class T>
bool append(std::vector<std::uint8_t>& data, T value) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
  data.insert(data.end(), bytes, bytes + sizeof value);
  return true;
}

template <class T>
bool append_integer(std::vector<std::uint8_t>& data, const Json& json) {
  if constexpr (std::is_same_v<T, std::uint64_t>)
    if (const auto* big = std::get_if<std::uint64_t>(&json.value()))
      return append(data, *big);
  const auto value = json.integer();
  if (!value || !std::in_range<T>(*value))
    return false;
  return append(data, static_cast<T>(*value));
}

template <class Float, class Bits>
bool append_float(std::vector<std::uint8_t>& data, const Json& json) {
  if (const std::string* hex = json.text(); hex != nullptr && hex->starts_with("0x")) {
    Bits bits = 0;
    const auto [end, error] = std::from_chars(hex->data() + 2, hex->data() + hex->size(), bits, 16);
    return error == std::errc() && end == hex->data() + hex->size() && append(data, bits);
  }
  const auto value = json.number();
  return value && std::abs(*value) <= static_cast<double>(std::numeric_limits<Float>::max()) &&
         append(data, static_cast<Float>(*value));
}

bool append_element(Attr& attr, AttrType type, const Json& json) {
  switch (type) {
    case AttrType::string:
      if (json.text() == nullptr)
        return false;
      attr.strings.push_back(*json.text());
      return true;
    case AttrType::boolean:
      return json.boolean() != nullptr && append(attr.data, static_cast<std::uint8_t>(*json.boolean() ? 1 : 0));
    case AttrType::f32: return append_float<float, std::uint32_t>(attr.data, json);
    case AttrType::f64: return append_float<double, std::uint64_t>(attr.data, json);
    case AttrType::u8: return append_integer<std::uint8_t>(attr.data, json);
    case AttrType::i8: return append_integer<std::int8_t>(attr.data, json);
    case AttrType::u16: return append_integer<std::uint16_t>(attr.data, json);
    case AttrType::i16: return append_integer<std::int16_t>(attr.data, json);
    case AttrType::u32: return append_integer<std::uint32_t>(attr.data, json);
    case AttrType::i32: return append_integer<std::int32_t>(attr.data, json);
    case AttrType::u64: return append_integer<std::uint64_t>(attr.data, json);
    case AttrType::i64: return append_integer<std::int64_t>(attr.data, json);
    default: return false;
  }
}

Result<Attr> typed(const Attr& text, std::string_view type) {
  const auto wrong = [&] {
    return fail(Code::malformed, "metadata " + base::quoted(text.key) + " is not of the type " + base::quoted(type) +
                                     " that " + std::string(attr_types_key) + " names");
  };
  auto json = model::parse_json(*text.get_text());
  if (!json)
    return wrong();
  const bool is_array = type.starts_with("array:");
  const auto named = type_named(is_array ? type.substr(6) : type);
  if (!named || *named == AttrType::array)
    return wrong();
  auto attr = attr_of_json(text.key, is_array ? AttrType::array : *named, *named, *json);
  return attr ? Result<Attr>(std::move(*attr)) : wrong();
}

Json value_json(const Attr& attr) {
  if (attr.type != AttrType::array)
    return element_json(attr, attr.type, 0);
  Json::Array items;
  for (std::uint64_t i = 0; i < attr.count(); ++i)
    items.push_back(element_json(attr, attr.element, i));
  return Json(std::move(items));
}

}  // namespace

std::string_view type_name(AttrType type) {
  for (const TypeName& row : type_names)
    if (row.type == type)
      return row.name;
  return "unknown";
}

std::optional<AttrType> type_named(std::string_view name) {
  for (const TypeName& row : type_names)
    if (row.name == name)
      return row.type;
  return std::nullopt;
}

std::string value_text(const Attr& attr) {
  const auto text = attr.get_text();
  return text ? std::string(*text) : value_json(attr).dump();
}

std::optional<Attr> attr_of_json(std::string key, AttrType type, AttrType element, const Json& value) {
  Attr attr{std::move(key), type};
  if (type != AttrType::array)
    return append_element(attr, type, value) ? std::optional<Attr>(std::move(attr)) : std::nullopt;
  attr.element = element;
  if (value.array() == nullptr)
    return std::nullopt;
  for (const Json& item : *value.array())
    if (!append_element(attr, element, item))
      return std::nullopt;
  return attr;
}

TextAttrs to_text(const std::vector<Attr>& attrs) {
  TextAttrs out;
  Json::Object types;
  for (const Attr& attr : attrs) {
    bool is_text = is_utf8(attr.key);
    for (const std::string& string : attr.strings)
      is_text = is_text && is_utf8(string);
    if (!is_text) {
      out.lost.push_back(attr.key);
    } else if (attr.is_text()) {
      out.attrs.push_back(attr);
    } else {
      const bool is_array = attr.type == AttrType::array;
      out.attrs.push_back(Attr::text(attr.key, value_text(attr)));
      types.emplace_back(attr.key, Json((is_array ? "array:" : "") + std::string(type_name(is_array ? attr.element : attr.type))));
    }
  }
  if (!types.empty())
    out.attrs.push_back(Attr::text(std::string(attr_types_key), Json(std::move(types)).dump()));
  return out;
}

Result<std::vector<Attr>> from_text(const std::vector<Attr>& attrs) {
  const Attr* record = find_attr(attrs, attr_types_key);
  if (record == nullptr || !record->get_text())
    return attrs;
  const auto types = model::parse_json(*record->get_text());
  if (!types || types->object() == nullptr)
    return fail(Code::malformed, "metadata " + base::quoted(attr_types_key) + " is not a JSON object" +
                                     (types ? "" : ": " + types.error().message));
  std::unordered_map<std::string_view, const Json*> type_of;
  for (const auto& [key, type] : *types->object())
    type_of.emplace(key, &type);
  std::vector<Attr> out;
  for (const Attr& attr : attrs) {
    if (&attr == record)
      continue;
    const auto type = type_of.find(attr.key);
    if (type == type_of.end() || type->second->text() == nullptr || !attr.get_text()) {
      out.push_back(attr);
      continue;
    }
    HEIRLOOM_TRY(Attr restored, typed(attr, *type->second->text()));
    out.push_back(std::move(restored));
  }
  return out;
}

}  // namespace heirloom::plan
