#include "engine/card/unicode_text.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>

namespace heirloom::card {

namespace {

struct CaseRow {
  std::uint32_t first, last, step;
  std::int32_t to_title;
};
struct LongTitle {
  std::uint32_t code;
  const char* text;
};

#include "engine/card/unicode_case.inc"

// A character and its bytes; `is_valid` is false for a byte that is not part of UTF-8.
struct Character {
  std::uint32_t code = 0;
  std::size_t length = 1;
  bool is_valid = true;
};

Character character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const std::uint32_t lead = byte(at);
  if (lead < 0x80)
    return {lead};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + length > text.size())
    return {lead, 1, false};
  std::uint32_t code = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80)
      return {lead, 1, false};
    code = (code << 6) | (byte(at + i) & 0x3F);
  }
  constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < least[length] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
    return {lead, 1, false};
  return {code, length};
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  const int extra = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  out += static_cast<char>((0xF0u << (3 - extra) & 0xFFu) | (code >> (6 * extra)));
  for (int shift = 6 * (extra - 1); shift >= 0; shift -= 6)
    out += static_cast<char>(0x80u | (code >> shift & 0x3Fu));
}

template <std::size_t count>
const CaseRow* find_row(const CaseRow (&rows)[count], std::uint32_t code) {
  const auto* after = std::upper_bound(std::begin(rows), std::end(rows), code,
                                       [](std::uint32_t c, const CaseRow& r) { return c < r.first; });
  if (after == std::begin(rows))
    return nullptr;
  const CaseRow* row = std::prev(after);
  return code <= row->last && (code - row->first) % row->step == 0 ? row : nullptr;
}

bool is_lower(std::uint32_t code) {
  return code < 0x80 ? code >= 'a' && code <= 'z' : find_row(lowercase_rows, code) != nullptr;
}
bool is_upper(std::uint32_t code) {
  return code < 0x80 ? code >= 'A' && code <= 'Z' : find_row(uppercase_rows, code) != nullptr;
}

void append_title(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code - 'a' + 'A');
    return;
  }
  for (const LongTitle& title : long_titles)
    if (title.code == code) {
      out += title.text;
      return;
    }
  append_utf8(out, code + static_cast<std::uint32_t>(find_row(lowercase_rows, code)->to_title));
}

bool is_space(std::uint32_t code) {
  return (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x20) || code == 0x85 || code == 0xA0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F ||
         code == 0x205F || code == 0x3000;
}

bool ends_line(std::uint32_t code) {
  return (code >= 0x0A && code <= 0x0D) || (code >= 0x1C && code <= 0x1E) || code == 0x85 || code == 0x2028 ||
         code == 0x2029;
}

}  // namespace

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  std::optional<std::size_t> start;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    const bool is_gap = c.is_valid && is_space(c.code);
    if (is_gap && start) {
      words.push_back(text.substr(*start, at - *start));
      start.reset();
    } else if (!is_gap && !start) {
      start = at;
    }
    at += c.length;
  }
  if (start)
    words.push_back(text.substr(*start));
  return words;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    std::size_t next = at + c.length;
    if (c.is_valid && ends_line(c.code)) {
      if (c.code == '\r' && next < text.size() && text[next] == '\n')
        ++next;
      lines.push_back(text.substr(start, at - start));
      start = next;
    }
    at = next;
  }
  if (start < text.size())
    lines.push_back(text.substr(start));
  return lines;
}

bool is_lowercase(std::string_view text) {
  bool has_lower = false;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (c.is_valid && is_upper(c.code))
      return false;
    has_lower = has_lower || (c.is_valid && is_lower(c.code));
    at += c.length;
  }
  return has_lower;
}

std::string title_case(std::string_view lowercase) {
  std::string out;
  bool in_word = false;
  for (std::size_t at = 0; at < lowercase.size();) {
    const Character c = character_at(lowercase, at);
    const bool is_letter = c.is_valid && is_lower(c.code);
    if (is_letter && !in_word)
      append_title(out, c.code);
    else
      out += lowercase.substr(at, c.length);
    in_word = is_letter;
    at += c.length;
  }
  return out;
}

std::string repaired_utf8(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (c.is_valid)
      out += text.substr(at, c.length);
    else
      append_utf8(out, 0xFFFD);
    at += c.length;
  }
  return out;
}

}  // namespace heirloom::card
