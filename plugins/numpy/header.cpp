#include "plugins/numpy/header.hpp"

#include "heirloom/checked.hpp"
#include "plugins/numpy/literal.hpp"

#include <algorithm>
#include <array>

namespace heirloom::numpy {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::uint64_t alignment = 64;  // of the array in the file
constexpr std::size_t growth_digits = 21;  // room that NumPy leaves for the first dimension to grow in place

struct Kind {
  char letter;
  std::string_view why;
};
constexpr std::array kinds = {
    Kind{'O', "it holds Python objects, pickled: only running the pickle could bring them back, and that is never done"},
    Kind{'U', "it holds text, not numbers"},
    Kind{'S', "it holds text, not numbers"},
    Kind{'a', "it holds text, not numbers"},
    Kind{'M', "it holds dates, not numbers"},
    Kind{'m', "it holds spans of time, not numbers"},
    Kind{'V', "it holds raw bytes; which numbers they are (one of several 8-bit floats, perhaps) is not written down"},
    Kind{'f', "floats of this size are not the same on every machine"},
    Kind{'c', "floats of this size are not the same on every machine"},
};

std::string reason_for(std::string_view code) {
  for (const Kind& kind : kinds)
    if (!code.empty() && code[0] == kind.letter)
      return std::string(kind.why);
  return "it is no type of numbers";
}

class Parser {
 public:
  Parser(std::string_view text, std::uint64_t begin) : literal_(text), begin_(begin) {}

  Result<void> dictionary(Header& header) {
    if (!literal_.take("{"))
      return wrong("the header is no dictionary");
    bool has_comma = true;
    while (!literal_.take("}")) {
      const std::uint64_t at = begin_ + literal_.position();
      const auto key = has_comma ? literal_.text() : std::nullopt;
      if (!key || !literal_.take(":"))
        return wrong("the header is no dictionary of names");
      HEIRLOOM_CHECK(item(*key, at, header));
      has_comma = literal_.take(",");
    }
    if (!literal_.at_end())
      return wrong("the header goes on after its dictionary");
    if (!has_type_ || !has_order_ || !has_shape_)
      return fail(Code::malformed, "the header lacks " + std::string(!has_type_    ? "\"descr\""
                                                                     : !has_order_ ? "\"fortran_order\""
                                                                                   : "\"shape\""), begin_);
    return {};
  }

 private:
  tl::unexpected<Error> wrong(std::string what, Code code = Code::malformed) const {
    return fail(code, std::move(what), begin_ + literal_.position());
  }

  Result<void> item(std::string_view key, std::uint64_t at, Header& header) {
    if (key == "descr" && !has_type_) {
      has_type_ = true;
      return type(header);
    }
    if (key == "fortran_order" && !has_order_) {
      has_order_ = true;
      const auto order = literal_.boolean();
      if (!order)
        return wrong("\"fortran_order\" is neither True nor False");
      header.is_fortran_order = *order;
      return {};
    }
    if (key == "shape" && !has_shape_) {
      has_shape_ = true;
      auto shape = literal_.tuple(max_read_dimensions);
      if (!shape)
        return wrong("\"shape\" is no tuple of at most " + std::to_string(max_read_dimensions) + " numbers");
      header.shape = std::move(*shape);
      return {};
    }
    return fail(Code::malformed, "unexpected or repeated key \"" + std::string(key) + "\"", at);
  }

  Result<void> type(Header& header) {
    literal_.take("");  // white space
    const std::uint64_t at = begin_ + literal_.position();
    if (literal_.take("[") || literal_.take("("))
      return fail(Code::unsupported, "the array has fields or sub-arrays; only plain arrays are read", at);
    const auto description = literal_.text();
    if (!description || description->empty())
      return wrong("\"descr\" is no text");
    const std::string quoted = "the type of the array is \"" + std::string(*description) + "\": ";
    header.dtype = find_dtype(*description);
    if (header.dtype != nullptr && !header.dtype->is_written)
      return {};
    const char order = (*description)[0];
    const std::string_view code = description->substr(std::string_view("<>|=").find(order) == std::string_view::npos ? 0 : 1);
    header.dtype = find_dtype(code);
    if (header.dtype == nullptr || !header.dtype->is_written)
      return fail(Code::unsupported, quoted + reason_for(code), at);
    const bool has_order = order == '<' || order == '>';
    if (!has_order && header.dtype->geometry().block_bytes != 1 && code != bfloat16_code)
      return fail(Code::unsupported, quoted + "its byte order is not written down", at);
    header.is_big_endian = order == '>' && header.dtype->geometry().block_bytes != 1;
    return {};
  }

  Literal literal_;
  std::uint64_t begin_;  // byte of the file where the text begins
  bool has_type_ = false, has_order_ = false, has_shape_ = false;
};

std::uint64_t number_at(std::span<const std::uint8_t> bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;)
    value = value << 8 | bytes[at + i];
  return value;
}

std::string python_tuple(const std::vector<std::uint64_t>& shape) {
  std::string text = "(";
  for (const std::uint64_t dimension : shape)
    text += (text.size() == 1 ? "" : ", ") + std::to_string(dimension);
  return text + (shape.size() == 1 ? ",)" : ")");
}

}  // namespace

bool looks_like_npy(std::span<const std::uint8_t> start) {
  return start.size() >= magic.size() &&
         std::equal(magic.begin(), magic.end(), start.begin(),
                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

Result<Header> read_header(std::span<const std::uint8_t> start) {
  if (!looks_like_npy(start))
    return fail(Code::malformed, "does not begin with \"\\x93NUMPY\"", 0);
  if (start.size() < 10)
    return fail(Code::malformed, "the file ends inside its header", start.size());
  const unsigned major = start[6], minor = start[7];
  if (major < 1 || major > 3 || minor != 0)
    return fail(Code::unsupported, "version " + std::to_string(major) + "." + std::to_string(minor) +
                                       " of the format; 1.0, 2.0 and 3.0 are known", 6);
  const std::size_t begin = major == 1 ? 10 : 12;
  if (start.size() < begin)
    return fail(Code::malformed, "the file ends inside its header", start.size());
  const std::uint64_t size = number_at(start, 8, begin - 8);
  if (size > max_header_bytes)
    return fail(Code::limit, "a header of " + std::to_string(size) + " bytes; a plain array's has a hundred", 8);
  if (size > start.size() - begin)
    return fail(Code::malformed, "the file ends inside its header", start.size());
  Header header;
  header.version = std::to_string(major) + ".0";
  HEIRLOOM_CHECK(Parser({reinterpret_cast<const char*>(start.data()) + begin, size}, begin).dictionary(header));
  header.data_offset = begin + size;
  const WellKnownEncoding& geometry = header.dtype->geometry();
  const auto bytes = checked::tensor_bytes(header.shape, geometry.block_elements, geometry.block_bytes);
  if (!bytes)
    return fail(Code::malformed, "the shape is too large: " + bytes.error().message, begin);
  header.data_bytes = *bytes;
  return header;
}

std::vector<std::uint8_t> header_bytes(const Dtype& dtype, const std::vector<std::uint64_t>& shape) {
  const bool is_byte = dtype.geometry().block_bytes == 1;
  std::string text = "{'descr': '" + std::string(is_byte ? "|" : "<") + std::string(dtype.code) +
                     "', 'fortran_order': False, 'shape': " + python_tuple(shape) + ", }";
  if (!shape.empty())
    text.append(growth_digits - std::min(growth_digits, std::to_string(shape[0]).size()), ' ');
  const std::size_t before = 10;
  text.append(alignment - (before + text.size() + 1) % alignment, ' ');
  text += '\n';
  const std::string start = std::string(magic) + std::string({1, 0, static_cast<char>(text.size()), static_cast<char>(text.size() >> 8)});
  const std::string all = start + text;
  return {all.begin(), all.end()};
}

}  // namespace heirloom::numpy
