#include "engine/provenance/canonical_json.hpp"

#include "engine/base/text.hpp"

#include <algorithm>

namespace heirloom::provenance {
namespace {

using model::Json;

constexpr std::int64_t max_exact = std::int64_t{1} << 53;

// Text that orders as UTF-16 does: only characters beyond U+FFFF (surrogates, 0xD800 and up) and U+E000 to U+FFFF differ
// from the order of UTF-8.
std::u16string utf16(std::string_view text) {
  std::u16string units;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    std::uint32_t point = length == 1 ? lead : lead & (0xFFu >> (length + 1));
    for (std::size_t k = 1; k < length && i + k < text.size(); ++k)
      point = point << 6 | (static_cast<std::uint8_t>(text[i + k]) & 0x3Fu);
    if (point >= 0x10000) {
      units += static_cast<char16_t>(0xD7C0 + (point >> 10));
      units += static_cast<char16_t>(0xDC00 + (point & 0x3FF));
    } else {
      units += static_cast<char16_t>(point);
    }
    i += length;
  }
  return units;
}

Result<void> put(const Json& value, std::string& out);

// Names of files and keys may be any bytes; JSON may not.
Result<void> put_text(const Json& text, std::string& out) {
  if (!base::is_utf8(*text.text()))
    return fail(Code::misuse, "a record holds UTF-8 alone, and this is none: " + base::quoted(*text.text()) + "; rename what has it in its name");
  out += text.dump();
  return {};
}

Result<void> put_object(const Json::Object& object, std::string& out) {
  std::vector<std::pair<std::u16string, const Json::Object::value_type*>> members;
  for (const auto& member : object)
    members.emplace_back(utf16(member.first), &member);
  std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  out += '{';
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i != 0)
      out += ',';
    HEIRLOOM_CHECK(put_text(Json(members[i].second->first), out));
    out += ':';
    HEIRLOOM_CHECK(put(members[i].second->second, out));
  }
  out += '}';
  return {};
}

Result<void> put(const Json& value, std::string& out) {
  if (value.is_null()) {
    out += "null";
  } else if (const bool* flag = value.boolean()) {
    out += *flag ? "true" : "false";
  } else if (value.text() != nullptr) {
    return put_text(value, out);
  } else if (const Json::Array* array = value.array()) {
    out += '[';
    for (std::size_t i = 0; i < array->size(); ++i) {
      if (i != 0)
        out += ',';
      HEIRLOOM_CHECK(put((*array)[i], out));
    }
    out += ']';
  } else if (const Json::Object* object = value.object()) {
    return put_object(*object, out);
  } else {
    const auto number = value.integer();
    if (!number || *number > max_exact || *number < -max_exact)
      return fail(Code::internal, "a record holds a number that is no integer of at most 2^53");
    out += std::to_string(*number);
  }
  return {};
}

}  // namespace

Result<std::string> canonical(const Json& value) {
  std::string out;
  HEIRLOOM_CHECK(put(value, out));
  return out;
}

}  // namespace heirloom::provenance
