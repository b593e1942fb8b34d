#include "metadata.hpp"

#include "limits.hpp"

#include <algorithm>

namespace heirloom::gguf {

namespace {

constexpr std::uint32_t attr_type_count = 13;

Result<AttrType> read_type(Cursor& in, const std::string& key) {
  const std::uint64_t at = in.position();
  HEIRLOOM_TRY(const std::uint32_t code, in.u32());
  if (code >= attr_type_count)
    return in.error_at(at, Code::malformed, "key \"" + key + "\" has the unknown type " + std::to_string(code));
  return static_cast<AttrType>(code);
}

void reverse_each(std::vector<std::uint8_t>& data, std::uint32_t width) {
  for (auto at = data.begin(); at != data.end(); at += width)
    std::reverse(at, at + width);
}

// `count` numbers or booleans of a type with a width.
Result<std::vector<std::uint8_t>> read_numbers(Cursor& in, AttrType type, std::uint64_t count, std::uint64_t position) {
  const std::uint32_t width = width_of(type);
  HEIRLOOM_TRY(const std::uint64_t size, checked::mul(count, width));
  HEIRLOOM_CHECK(require_header(in, size, position, "a value"));
  const std::uint64_t start = in.position();
  HEIRLOOM_TRY(std::vector<std::uint8_t> data, in.bytes(size));
  if (type == AttrType::boolean) {
    const auto odd = std::find_if(data.begin(), data.end(), [](std::uint8_t byte) { return byte > 1; });
    if (odd != data.end())
      return in.error_at(start + static_cast<std::uint64_t>(odd - data.begin()), Code::malformed,
                         "a boolean has the value " + std::to_string(*odd) + ", which is neither 0 nor 1");
  }
  if (in.is_big_endian())
    reverse_each(data, width);
  return data;
}

Result<std::vector<std::string>> read_strings(Cursor& in, std::uint64_t count, std::uint64_t position) {
  HEIRLOOM_TRY(const std::uint64_t least, checked::mul(count, sizeof(std::uint64_t)));
  HEIRLOOM_CHECK(require_header(in, least, position, "an array of strings"));
  std::vector<std::string> strings;
  strings.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    HEIRLOOM_TRY(std::string text, read_string(in, "a string"));
    strings.push_back(std::move(text));
  }
  return strings;
}

Result<void> read_values(Cursor& in, Attr& attr, AttrType type, std::uint64_t count, std::uint64_t position) {
  const auto located = [&](Error error) {
    if (error.position == no_position)
      error.position = position;
    error.message = "key \"" + attr.key + "\": " + error.message;
    return fail(std::move(error));
  };
  if (type == AttrType::string) {
    Result<std::vector<std::string>> strings = read_strings(in, count, position);
    if (!strings)
      return located(std::move(strings).error());
    attr.strings = std::move(*strings);
    return {};
  }
  Result<std::vector<std::uint8_t>> data = read_numbers(in, type, count, position);
  if (!data)
    return located(std::move(data).error());
  attr.data = std::move(*data);
  return {};
}

}  // namespace

Result<std::string> read_string(Cursor& in, const char* what) {
  const std::uint64_t at = in.position();
  HEIRLOOM_TRY(const std::uint64_t size, in.u64());
  HEIRLOOM_CHECK(require_header(in, size, at, what));
  return in.text(size);
}

Result<Attr> read_attr(Cursor& in) {
  const std::uint64_t key_at = in.position();
  Attr attr;
  HEIRLOOM_TRY(attr.key, read_string(in, "a key"));
  if (attr.key.empty())
    return in.error_at(key_at, Code::malformed, "a key is empty");
  if (attr.key.find('\0') != std::string::npos)
    return in.error_at(key_at, Code::malformed, "a key has a NUL byte");
  HEIRLOOM_TRY(attr.type, read_type(in, attr.key));
  if (attr.type != AttrType::array) {
    HEIRLOOM_CHECK(read_values(in, attr, attr.type, 1, in.position()));
    return attr;
  }
  const std::uint64_t element_at = in.position();
  HEIRLOOM_TRY(attr.element, read_type(in, attr.key));
  if (attr.element == AttrType::array)
    return in.error_at(element_at, Code::unsupported, "key \"" + attr.key + "\" is an array of arrays");
  const std::uint64_t count_at = in.position();
  HEIRLOOM_TRY(const std::uint64_t count, in.u64());
  HEIRLOOM_CHECK(read_values(in, attr, attr.element, count, count_at));
  return attr;
}

Result<void> check_attr(const Attr& attr) {
  const auto refuse = [&](const std::string& why) {
    return fail(Code::misuse, "key \"" + attr.key + "\" " + why);
  };
  if (attr.key.empty() || attr.key.find('\0') != std::string::npos)
    return refuse("is empty or has a NUL byte");
  const bool is_array = attr.type == AttrType::array;
  const AttrType type = is_array ? attr.element : attr.type;
  if (static_cast<std::uint32_t>(type) >= attr_type_count || type == AttrType::array)
    return refuse("has a type that the format does not have");
  if (type == AttrType::string) {
    if (!attr.data.empty() || (!is_array && attr.strings.size() != 1))
      return refuse("is not one string or a list of strings");
    return {};
  }
  const std::uint32_t width = width_of(type);
  if (!attr.strings.empty() || attr.data.size() % width != 0 || (!is_array && attr.data.size() != width))
    return refuse("has " + std::to_string(attr.data.size()) + " bytes, which its type does not fill");
  if (type == AttrType::boolean && std::any_of(attr.data.begin(), attr.data.end(), [](auto b) { return b > 1; }))
    return refuse("has a boolean that is neither 0 nor 1");
  return {};
}

void ByteWriter::attr(const Attr& attr) {
  string(attr.key);
  u32(static_cast<std::uint32_t>(attr.type));
  if (attr.type == AttrType::array) {
    u32(static_cast<std::uint32_t>(attr.element));
    u64(attr.count());
  }
  bytes(attr.data);
  for (const std::string& text : attr.strings)
    string(text);
}

}  // namespace heirloom::gguf
