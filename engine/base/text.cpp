#include "engine/base/text.hpp"

#include "engine/base/safe_json.hpp"

#include "heirloom/checked.hpp"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

namespace heirloom::base {

namespace {

// A code point at the start of `text`: its value and bytes; 0 bytes when this is not well-formed UTF-8.
struct CodePoint {
  std::uint32_t value = 0;
  std::size_t size = 0;
};

CodePoint first_code_point(std::string_view text) {
  const auto lead = static_cast<std::uint8_t>(text[0]);
  if (lead < 0x80)
    return {lead, 1};
  const std::size_t size = lead >= 0xf0 && lead < 0xf8   ? 4
                           : lead >= 0xe0 && lead < 0xf0 ? 3
                           : lead >= 0xc0 && lead < 0xe0 ? 2
                                                         : 0;
  if (size == 0 || text.size() < size)
    return {};
  std::uint32_t value = lead & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    const auto next = static_cast<std::uint8_t>(text[i]);
    if ((next & 0xc0) != 0x80)
      return {};
    value = (value << 6) | (next & 0x3fu);
  }
  static constexpr std::array<std::uint32_t, 5> smallest = {0, 0, 0x80, 0x800, 0x10000};
  if (value < smallest[size] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
    return {};
  return {value, size};
}

// Characters that move the cursor, start a line or turn the direction of text around, and those that nobody sees.
bool is_safe(std::uint32_t c) {
  struct Range {
    std::uint32_t first, last;
  };
  static constexpr std::array ranges = {Range{0, 0x1f},        Range{0x7f, 0x9f},     Range{0x61c, 0x61c},     Range{0x200b, 0x200b},
                                        Range{0x200e, 0x200f}, Range{0x2028, 0x202e}, Range{0x2060, 0x2060}, Range{0x2066, 0x2069},
                                        Range{0xfeff, 0xfeff}};
  for (const Range& range : ranges)
    if (c >= range.first && c <= range.last)
      return false;
  return true;
}

void append_hex(std::string& out, std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    out += "\\x";
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

std::string_view name_of(Code code) {
  switch (code) {
    case Code::malformed:
      return "malformed";
    case Code::unsupported:
      return "unsupported";
    case Code::io:
      return "io";
    case Code::limit:
      return "limit";
    case Code::misuse:
      return "misuse";
    case Code::cancelled:
      return "cancelled";
    case Code::internal:
      return "internal";
  }
  return "internal";
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = first_code_point(text).size;
    if (size == 0)
      return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    const std::size_t size = point.size == 0 ? 1 : point.size;
    if (point.size != 0 && is_safe(point.value))
      out += text.substr(0, size);
    else
      append_hex(out, text.substr(0, size));
    text.remove_prefix(size);
  }
  return out;
}

std::string safe_json(std::string_view json) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  while (!json.empty()) {
    const CodePoint point = first_code_point(json);
    const std::size_t size = point.size == 0 ? 1 : point.size;
    if (point.value < 0x7f || is_safe(point.value)) {
      out += json.substr(0, size);
    } else {
      out += "\\u";
      for (unsigned shift = 16; shift != 0; shift -= 4)
        out += digits[point.value >> (shift - 4) & 15];
    }
    json.remove_prefix(size);
  }
  return out;
}

std::string quoted(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\')
      escaped += '\\';
    escaped += c;
  }
  return '"' + printable(escaped) + '"';
}

std::string human_bytes(std::uint64_t bytes) {
  static constexpr std::array units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (unit + 1 < units.size() && std::round(value * 10) >= 10240) {
    value /= 1024;
    ++unit;
  }
  const auto tenths = static_cast<std::uint64_t>(std::round(value * 10));
  std::string text = std::to_string(tenths / 10);
  if (tenths % 10 != 0)
    text += '.' + std::to_string(tenths % 10);
  return text + ' ' + units[unit];
}

Result<std::uint64_t> parse_size(std::string_view text) {
  const auto refuse = [&](const char* why) {
    return fail(Code::misuse, base::quoted(text) + " is not a size: " + why);
  };
  std::uint64_t number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status == std::errc::result_out_of_range)
    return refuse("it does not fit 64 bits");
  if (status != std::errc())
    return refuse("it must be a number with a unit, as 256MiB, 5GB or 1G");
  std::string unit(end, text.data() + text.size());
  if (unit.size() > 1 && unit[0] == ' ')
    unit.erase(0, 1);
  for (char& c : unit) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));

  std::uint64_t factor = 1;
  if (!unit.empty() && unit != "b") {
    const std::size_t power = std::string_view("kmgtpe").find(unit[0]) + 1;
    const std::string_view rest = std::string_view(unit).substr(1);
    if (power == 0 || (!rest.empty() && rest != "b" && rest != "ib"))
      return refuse("the unit is none of B, KiB, MiB, GiB, TiB, KB, MB, GB, TB, K, M, G, T");
    for (std::size_t i = 0; i < power; ++i) factor *= rest == "b" ? 1000u : 1024u;
  }
  const auto bytes = checked::mul(number, factor);
  if (!bytes)
    return refuse("it does not fit 64 bits");
  if (*bytes == 0)
    return refuse("it must be more than nothing");
  return *bytes;
}

std::string describe(const Error& error) {
  std::string text(name_of(error.code));
  if (!error.file.empty())
    text += ": " + printable(error.file);
  if (!error.tensor.empty())
    text += ": tensor " + base::quoted(error.tensor);
  if (error.position != no_position)
    text += ": byte " + std::to_string(error.position);
  return text + ": " + printable(error.message);
}

}  // namespace heirloom::base
