#include "npy_header.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace npy {
namespace {

using heirloom::Code;
using heirloom::Cursor;
using heirloom::Result;

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::uint64_t max_header_bytes = 1u << 16;
constexpr std::size_t max_dimensions = 64;

// The dictionary is a Python literal of fixed form:
//   {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
// read here word by word; anything else in it is an error.
class Literal {
 public:
  explicit Literal(std::string_view text) : rest_(text) {}

  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }
  bool take(std::string_view word) {
    skip_space();
    if (!rest_.starts_with(word))
      return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool at_end() {
    skip_space();
    return rest_.empty();
  }
  std::optional<std::string_view> text() {
    const char quote = take("'") ? '\'' : take("\"") ? '"' : '\0';
    const std::size_t end = quote == '\0' ? std::string_view::npos : rest_.find(quote);
    if (end == std::string_view::npos)
      return std::nullopt;
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return word;
  }
  std::optional<std::uint64_t> number() {
    skip_space();
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (parsed.ec != std::errc())
      return std::nullopt;
    rest_.remove_prefix(static_cast<std::size_t>(parsed.ptr - rest_.data()));
    take("L");  // Python 2 wrote 4L
    return value;
  }
  // "()", "(3,)", "(3, 4)"
  std::optional<std::vector<std::uint64_t>> shape() {
    std::vector<std::uint64_t> all;
    if (!take("("))
      return std::nullopt;
    while (!take(")")) {
      const auto dimension = number();
      if (!dimension || all.size() == max_dimensions)
        return std::nullopt;
      all.push_back(*dimension);
      if (!take(",") && !rest_.starts_with(")"))
        return std::nullopt;
    }
    return all;
  }

 private:
  std::string_view rest_;
};

struct Type {
  std::string_view letter_and_size;
  std::string_view encoding;
  std::uint32_t bytes;
};

constexpr Type types[] = {
    {"f2", "f16", 2}, {"f4", "f32", 4}, {"f8", "f64", 8}, {"c8", "c64", 8}, {"c16", "c128", 16},
    {"i1", "i8", 1},  {"i2", "i16", 2}, {"i4", "i32", 4}, {"i8", "i64", 8}, {"b1", "bool", 1},
    {"u1", "u8", 1},  {"u2", "u16", 2}, {"u4", "u32", 4}, {"u8", "u64", 8},
};

const Type* find_type(std::string_view letter_and_size) {
  for (const Type& type : types)
    if (type.letter_and_size == letter_and_size)
      return &type;
  return nullptr;
}

// "<f4": byte order, kind, bytes.
Result<void> set_type(std::string_view description, const Cursor& in, Header& header) {
  if (description.find('O') != std::string_view::npos)
    return in.error(Code::unsupported, "the array holds Python objects, which only running a pickle could read");
  const char order = description.empty() ? '\0' : description[0];
  const Type* type = description.size() < 2 ? nullptr : find_type(description.substr(1));
  if (type == nullptr || (order != '<' && order != '>' && order != '|'))
    return in.error(Code::unsupported, "the type \"" + std::string(description) + "\" is not a number");
  header.encoding = {std::string(type->encoding), 1, type->bytes};
  header.is_big_endian = order == '>';
  return {};
}

Result<void> read_dictionary(std::string_view text, const Cursor& in, Header& header) {
  Literal literal(text);
  bool has_type = false, has_order = false, has_shape = false;
  if (!literal.take("{"))
    return in.error(Code::malformed, "the header is not a dictionary");
  while (!literal.take("}")) {
    const auto key = literal.text();
    if (!key || !literal.take(":"))
      return in.error(Code::malformed, "the header is not a dictionary with names");
    if (*key == "descr" && !has_type) {
      if (literal.take("["))
        return in.error(Code::unsupported, "the array has fields; only plain arrays are read");
      const auto description = literal.text();
      if (!description)
        return in.error(Code::malformed, "\"descr\" is not text");
      HEIRLOOM_CHECK(set_type(*description, in, header));
      has_type = true;
    } else if (*key == "fortran_order" && !has_order) {
      header.is_fortran_order = literal.take("True");
      if (!header.is_fortran_order && !literal.take("False"))
        return in.error(Code::malformed, "\"fortran_order\" is neither True nor False");
      has_order = true;
    } else if (*key == "shape" && !has_shape) {
      auto shape = literal.shape();
      if (!shape)
        return in.error(Code::malformed, "\"shape\" is not a tuple of at most 64 numbers");
      header.shape = std::move(*shape);
      has_shape = true;
    } else {
      return in.error(Code::malformed, "unexpected or repeated key \"" + std::string(*key) + "\"");
    }
    literal.take(",");
  }
  if (!has_type || !has_order || !has_shape || !literal.at_end())
    return in.error(Code::malformed, "the header lacks a key or goes on after its end");
  return {};
}

}  // namespace

// | 0..5 magic | 6 major | 7 minor | 8.. header length, u16 in version 1, u32 in versions 2 and 3 | header | data |
Result<Header> read_header(Cursor& in) {
  HEIRLOOM_TRY(const std::string start, in.text(magic.size()));
  if (start != magic)
    return in.error_at(0, Code::malformed, "does not start with \"\\x93NUMPY\"");
  HEIRLOOM_TRY(const std::uint8_t major, in.u8());
  HEIRLOOM_TRY(const std::uint8_t minor, in.u8());
  if (major < 1 || major > 3 || minor != 0)
    return in.error(Code::unsupported, "version " + std::to_string(major) + "." + std::to_string(minor));
  std::uint64_t length = 0;
  if (major == 1) {
    HEIRLOOM_TRY(length, in.u16());
  } else {
    HEIRLOOM_TRY(length, in.u32());
  }
  if (length > max_header_bytes)
    return in.error(Code::limit, "a header of " + std::to_string(length) + " bytes");
  HEIRLOOM_TRY(const std::string text, in.text(length));
  Header header;
  header.version = std::to_string(major) + ".0";
  HEIRLOOM_CHECK(read_dictionary(text, in, header));
  header.data_offset = in.position();
  return header;
}

}  // namespace npy
