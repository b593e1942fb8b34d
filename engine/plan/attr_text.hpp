// Typed attributes as text and back, for containers whose metadata is text only. Text stays as it is; everything else
// becomes JSON, and its type stands in one extra item, heirloom.attr_types, a JSON object from key to type name
// ("u32", "array:string", ...).
#pragma once

#include "engine/model/json.hpp"
#include "heirloom/nouns.hpp"
#include "heirloom/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::plan {

inline constexpr std::string_view attr_types_key = "heirloom.attr_types";

struct TextAttrs {
  std::vector<Attr> attrs;
  std::vector<std::string> lost;  // keys whose bytes are not UTF-8, which text metadata cannot hold
};
TextAttrs to_text(const std::vector<Attr>& attrs);

// Undoes to_text() where heirloom.attr_types says how; other items stay text.
Result<std::vector<Attr>> from_text(const std::vector<Attr>& attrs);

std::string_view type_name(AttrType type);
std::optional<AttrType> type_named(std::string_view name);

// The value alone, as to_text() writes it.
std::string value_text(const Attr& attr);
// An attribute of this type (`element` counts for arrays); nothing where the value is none of that type.
std::optional<Attr> attr_of_json(std::string key, AttrType type, AttrType element, const model::Json& value);

}  // namespace heirloom::plan
