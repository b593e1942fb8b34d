#include "plugins/common/pickle/literals.hpp"

#include <simdjson.h>

#include <algorithm>
#include <charconv>

namespace heirloom::pickle {
namespace {

void put_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

// The number that exactly `digits` characters at the front of `text` say in this base.
std::optional<std::uint32_t> digits_at_front(std::string_view text, std::size_t digits, int base) {
  if (text.size() < digits)
    return std::nullopt;
  std::uint32_t value = 0;
  const char* end = text.data() + digits;
  const auto [stop, fault] = std::from_chars(text.data(), end, value, base);
  return fault == std::errc() && stop == end ? std::optional(value) : std::nullopt;
}

// The byte that the escape after a backslash at the front of `text` means; cuts it off.
std::optional<std::string> take_escape(std::string_view& text) {
  static constexpr std::string_view names = "\\'\"abfnrtv\n", values = "\\'\"\a\b\f\n\r\t\v";
  if (text.empty())
    return std::nullopt;
  const char kind = text[0];
  if (const std::size_t at = names.find(kind); at != std::string_view::npos) {
    text.remove_prefix(1);
    return at < values.size() ? std::string(1, values[at]) : std::string();
  }
  if (kind == 'x') {
    const auto value = digits_at_front(text.substr(1), 2, 16);
    if (!value)
      return std::nullopt;
    text.remove_prefix(3);
    return std::string(1, static_cast<char>(*value));
  }
  std::size_t digits = 0;
  while (digits < 3 && digits < text.size() && text[digits] >= '0' && text[digits] <= '7')
    ++digits;
  if (digits == 0)  // not an escape: the backslash stays
    return std::string(1, '\\');
  const auto value = digits_at_front(text, digits, 8);
  text.remove_prefix(digits);
  return std::string(1, static_cast<char>(value.value_or(0)));
}

}  // namespace

bool is_utf8(std::string_view bytes) { return simdjson::validate_utf8(bytes.data(), bytes.size()); }

Integer integer_of(std::span<const std::uint8_t> bytes) {
  const std::uint8_t filler = !bytes.empty() && bytes.back() >= 0x80 ? 0xFF : 0;
  while (bytes.size() > 1 && bytes.back() == filler && (bytes[bytes.size() - 2] >= 0x80) == (filler != 0))
    bytes = bytes.first(bytes.size() - 1);
  if (bytes.size() > 8)
    return {std::nullopt, {bytes.begin(), bytes.end()}};
  std::uint64_t value = filler == 0 ? 0 : ~std::uint64_t{0};
  for (std::size_t i = bytes.size(); i-- > 0;)
    value = (value << 8) | bytes[i];
  return {static_cast<std::int64_t>(value), {}};
}

std::optional<Integer> parse_integer(std::string_view text, bool may_end_in_l) {
  if (may_end_in_l && !text.empty() && text.back() == 'L')
    text.remove_suffix(1);
  const bool is_negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+'))
    text.remove_prefix(1);
  if (text.empty() || text.size() > max_digits)
    return std::nullopt;
  std::vector<std::uint8_t> bytes(1);
  for (const char c : text) {
    if (c < '0' || c > '9')
      return std::nullopt;
    std::uint32_t carry = static_cast<std::uint32_t>(c - '0');
    for (std::uint8_t& byte : bytes) {
      carry += byte * 10u;
      byte = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    if (carry != 0)
      bytes.push_back(static_cast<std::uint8_t>(carry));
  }
  bytes.push_back(0);
  if (is_negative) {
    std::uint32_t carry = 1;
    for (std::uint8_t& byte : bytes) {
      carry += static_cast<std::uint8_t>(~byte);
      byte = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
  }
  return integer_of(bytes);
}

std::optional<double> parse_real(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, value);
  return !text.empty() && fault == std::errc() && stop == end ? std::optional(value) : std::nullopt;
}

std::optional<std::string> parse_quoted(std::string_view text) {
  if (text.size() < 2 || text.front() != text.back() || (text.front() != '\'' && text.front() != '"'))
    return std::nullopt;
  text = text.substr(1, text.size() - 2);
  std::string out;
  while (!text.empty()) {
    const char next = text[0];
    text.remove_prefix(1);
    if (next != '\\') {
      out.push_back(next);
      continue;
    }
    const auto meant = take_escape(text);
    if (!meant)
      return std::nullopt;
    out += *meant;
  }
  return out;
}

std::optional<std::string> parse_raw_unicode(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::uint32_t code = static_cast<std::uint8_t>(text[0]);
    std::size_t length = 1;
    if (code == '\\' && text.size() > 1 && (text[1] == 'u' || text[1] == 'U')) {
      const std::size_t digits = text[1] == 'u' ? 4 : 8;
      const auto escaped = digits_at_front(text.substr(2), digits, 16);
      if (!escaped || *escaped > 0x10FFFF || (*escaped >= 0xD800 && *escaped < 0xE000))
        return std::nullopt;
      code = *escaped;
      length = 2 + digits;
    }
    put_utf8(out, code);
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace heirloom::pickle
