#include "engine/report/values.hpp"

#include "engine/base/safe_json.hpp"
#include "engine/base/text.hpp"
#include "engine/plan/attr_text.hpp"

#include <cmath>

namespace heirloom::report {
namespace {

constexpr std::uint64_t max_elements_shown = 8;

Json element(const Attr& attr, AttrType type, std::uint64_t i) {
  switch (type) {
    case AttrType::string: return Json(attr.strings[i]);
    case AttrType::boolean: return Json(*attr.get<bool>(i));
    case AttrType::f32: return float_json(static_cast<double>(*attr.get<float>(i)));
    case AttrType::f64: return float_json(*attr.get<double>(i));
    case AttrType::u64: return Json(*attr.get<std::uint64_t>(i));
    default: return Json(*attr.get_integer(i));
  }
}

std::string element_text(const Attr& attr, AttrType type, std::uint64_t i) {
  return type == AttrType::string ? base::quoted(attr.strings[i]) : element(attr, type, i).dump();
}

std::string cut(std::string text, std::size_t width) {
  if (text.size() <= width)
    return text;
  std::size_t end = width - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;
  return text.substr(0, end) + "...";
}

}  // namespace

Json json_of(const Attr& attr) {
  if (attr.type != AttrType::array)
    return element(attr, attr.type, 0);
  Json array = Json::array();
  for (std::uint64_t i = 0; i < attr.count(); ++i)
    array.push_back(element(attr, attr.element, i));
  return array;
}

std::string text_of(const Attr& attr, std::size_t width) {
  if (attr.type != AttrType::array)
    return cut(element_text(attr, attr.type, 0), width);
  std::string text = "[";
  const std::uint64_t count = attr.count();
  for (std::uint64_t i = 0; i < std::min(count, max_elements_shown); ++i)
    text += (i == 0 ? "" : ", ") + element_text(attr, attr.element, i);
  const std::string tail = count > max_elements_shown ? ", ...] (" + std::to_string(count) + ")" : "]";
  return cut(std::move(text), width > tail.size() ? width - tail.size() : 3) + tail;
}

std::string type_text(const Attr& attr) {
  std::string text(plan::type_name(attr.type));
  if (attr.type == AttrType::array)
    text += ":" + std::string(plan::type_name(attr.element));
  return text;
}

Json float_json(double value) {
  if (std::isfinite(value))
    return Json(value);
  return Json(std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
}

std::string counted(std::size_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

std::string dump(const Json& json) { return base::safe_json(json.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n"; }

}  // namespace heirloom::report
