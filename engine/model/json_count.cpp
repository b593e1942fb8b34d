#include "engine/model/json_count.hpp"

namespace heirloom::model {

std::uint64_t count_json_values(std::string_view text) {
  std::uint64_t count = 1;
  char before = ' ';  // the last character that is no space
  bool is_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_text) {
      if (c == '\\')
        ++i;
      is_text = c != '"';
      continue;
    }
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
      continue;
    if (c == ',' || c == '[' || c == '{')
      ++count;
    else if ((c == ']' && before == '[') || (c == '}' && before == '{'))
      --count;
    is_text = c == '"';
    before = c;
  }
  return count;
}

}  // namespace heirloom::model
