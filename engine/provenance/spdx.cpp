#include "engine/provenance/spdx.hpp"

#include "engine/model/json.hpp"
#include "engine/provenance/licences.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace heirloom::provenance {
namespace {

#include "spdx_data.h"

using Names = std::set<std::string, std::less<>>;

struct List {
  Names licences, exceptions;
};

Names names_in(const model::Json& json, std::string_view key) {
  Names names;
  const model::Json* list = json.find(key);
  if (list != nullptr && list->array() != nullptr)
    for (const model::Json& item : *list->array())
      if (item.text() != nullptr)
        names.insert(*item.text());
  return names;
}

const List& spdx_list() {
  static const List list = [] {
    const auto json = model::parse_json(std::span<const std::uint8_t>(built_in_spdx_json));
    return json ? List{names_in(*json, "licences"), names_in(*json, "exceptions")} : List{};
  }();
  return list;
}

bool is_id_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

bool is_reference(std::string_view id) {
  if (id.starts_with("DocumentRef-")) {
    const std::size_t colon = id.find(':');
    if (colon == id.npos || colon == 12)
      return false;
    id.remove_prefix(colon + 1);
  }
  constexpr std::string_view prefix = "LicenseRef-";
  return id.starts_with(prefix) && id.size() > prefix.size() && std::all_of(id.begin(), id.end(), is_id_character);
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) { next(); }

  bool parse() { return parse_any(0) && token_.empty() && text_.empty(); }
  std::vector<std::string> identifiers() && { return std::move(identifiers_); }

 private:
  static constexpr int max_depth = 64;

  void next() {
    while (!text_.empty() && text_.front() == ' ')
      text_.remove_prefix(1);
    std::size_t length = text_.empty() ? 0 : 1;
    if (length != 0 && text_.front() != '(' && text_.front() != ')')
      length = std::min(text_.find_first_of(" ()"), text_.size());
    token_ = text_.substr(0, length);
    text_.remove_prefix(length);
  }

  bool parse_any(int depth) {  // NOLINT(misc-no-recursion)
    if (!parse_all(depth))
      return false;
    while (token_ == "OR") {
      next();
      if (!parse_all(depth))
        return false;
    }
    return true;
  }

  bool parse_all(int depth) {  // NOLINT(misc-no-recursion)
    if (!parse_one(depth))
      return false;
    while (token_ == "AND") {
      next();
      if (!parse_one(depth))
        return false;
    }
    return true;
  }

  bool parse_one(int depth) {  // NOLINT(misc-no-recursion)
    if (depth > max_depth)
      return false;
    if (token_ == "(") {
      next();
      if (!parse_any(depth + 1) || token_ != ")")
        return false;
      next();
      return true;
    }
    std::string_view id = token_;
    const bool is_plain = spdx_list().licences.contains(id);
    if (!is_plain && id.ends_with('+'))
      id.remove_suffix(1);
    if (!spdx_list().licences.contains(id) && !(id == token_ && is_reference(id)))
      return false;
    identifiers_.emplace_back(token_);
    next();
    if (token_ != "WITH")
      return true;
    next();
    if (!spdx_list().exceptions.contains(token_))
      return false;
    next();
    return true;
  }

  std::string_view text_, token_;
  std::vector<std::string> identifiers_;
};

}  // namespace

std::vector<std::string> spdx_identifiers(std::string_view expression) {
  if (expression.size() > max_expression_bytes)
    return {};
  Parser parser(expression);
  return parser.parse() ? std::move(parser).identifiers() : std::vector<std::string>();
}

bool is_spdx_expression(std::string_view text) { return !spdx_identifiers(text).empty(); }

}  // namespace heirloom::provenance
