#include "engine/plan/name_pattern.hpp"

#include "engine/base/text.hpp"

namespace heirloom::plan {
namespace {

constexpr std::size_t max_pattern_bytes = 1000;
constexpr std::size_t max_pattern_depth = 50;
constexpr std::size_t max_searched_bytes = 4096;

}  // namespace

bool NamePattern::matches(const std::string& name) const {
  return name.size() <= max_searched_bytes && std::regex_search(name, regex);
}

Result<NamePattern> compile_pattern(std::string text, const std::string& where) {
  if (text.size() > max_pattern_bytes)
    return fail(Code::misuse, "a pattern of " + where + " has " + std::to_string(text.size()) + " bytes, at most " +
                                  std::to_string(max_pattern_bytes) + " are allowed");
  std::size_t depth = 0;
  for (const char c : text) {
    if (c == '(' && ++depth > max_pattern_depth)
      return fail(Code::misuse, base::quoted(text) + " nests more than " + std::to_string(max_pattern_depth) + " parentheses");
    if (c == ')' && depth > 0)
      --depth;
  }
  try {
    std::regex regex(text, std::regex::ECMAScript | std::regex::icase | std::regex::optimize);
    return NamePattern{std::move(text), std::move(regex)};
  } catch (const std::regex_error& error) {
    return fail(Code::misuse, base::quoted(text) + " is not a regular expression: " + error.what());
  }
}

}  // namespace heirloom::plan
