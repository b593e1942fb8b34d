#include "tensor_table.hpp"

#include "limits.hpp"
#include "metadata.hpp"
#include "types.hpp"

#include <algorithm>
#include <string>
#include <unordered_set>

namespace heirloom::gguf {

namespace {

Result<void> read_shape(Cursor& in, std::vector<std::uint64_t>& shape) {
  const std::uint64_t count_at = in.position();
  HEIRLOOM_TRY(const std::uint32_t count, in.u32());
  if (count > max_dimensions)
    return in.error_at(count_at, Code::malformed, std::to_string(count) + " dimensions, but 4 are the most");
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t at = in.position();
    HEIRLOOM_TRY(const std::uint64_t elements, in.u64());
    if (elements > INT64_MAX)
      return in.error_at(at, Code::malformed, "a dimension is negative");
    if (elements == 0 && i != 0)
      return in.error_at(at, Code::malformed, "dimension " + std::to_string(i) + " has no elements");
    shape.push_back(elements);
  }
  std::reverse(shape.begin(), shape.end());
  return {};
}

Result<const WellKnownEncoding*> read_type(Cursor& in) {
  const std::uint64_t at = in.position();
  HEIRLOOM_TRY(const std::uint32_t code, in.u32());
  if (is_removed(code))
    return in.error_at(at, Code::unsupported, "type " + std::to_string(code) + " was removed from the format");
  const WellKnownEncoding* encoding = encoding_of(code);
  if (encoding == nullptr)
    return in.error_at(at, Code::unsupported, "unknown type " + std::to_string(code));
  return encoding;
}

// Everything after the name. `expected_offset` is where the previous tensor's padding ends.
Result<void> read_fields(Cursor& in, TableEntry& entry, std::uint64_t expected_offset) {
  const std::uint64_t shape_at = in.position();
  HEIRLOOM_CHECK(read_shape(in, entry.tensor.shape));
  HEIRLOOM_TRY(entry.encoding, read_type(in));
  entry.tensor.encoding = entry.encoding->id;
  const Result<std::uint64_t> size = measure(entry.tensor.shape, *entry.encoding);
  if (!size)
    return in.error_at(shape_at, size.error().code, size.error().message);
  entry.size = *size;
  entry.offset_at = in.position();
  HEIRLOOM_TRY(entry.offset, in.u64());
  if (entry.offset != expected_offset)
    return in.error_at(entry.offset_at, Code::malformed,
                       "offset " + std::to_string(entry.offset) + ", but the tensors before it end at " +
                           std::to_string(expected_offset));
  entry.tensor.big_endian = in.is_big_endian();
  return {};
}

Result<std::string> read_name(Cursor& in) {
  const std::uint64_t at = in.position();
  HEIRLOOM_TRY(std::string name, read_string(in, "a tensor's name"));
  if (name.size() > max_name_bytes)
    return in.error_at(at, Code::malformed, "a tensor's name has " + std::to_string(name.size()) +
                                                " bytes, but 63 are the most");
  if (name.find('\0') != std::string::npos)
    return in.error_at(at, Code::malformed, "a tensor's name has a NUL byte");
  return name;
}

}  // namespace

Result<std::uint64_t> measure(const std::vector<std::uint64_t>& shape, const WellKnownEncoding& encoding) {
  if (shape.size() > max_dimensions)
    return fail(Code::malformed, std::to_string(shape.size()) + " dimensions, but 4 are the most");
  HEIRLOOM_TRY(const std::uint64_t elements, checked::product(shape));
  if (elements >= INT64_MAX)
    return fail(Code::malformed, "too many elements: " + std::to_string(elements));
  const std::uint64_t row = shape.empty() ? 1 : shape.back();
  if (row % encoding.block_elements != 0)
    return fail(Code::malformed, "rows of " + std::to_string(row) + " elements are not whole blocks of " +
                                     std::to_string(encoding.block_elements));
  return checked::mul(elements / encoding.block_elements, encoding.block_bytes);
}

Result<std::vector<TableEntry>> read_tensor_table(Cursor& in, std::uint64_t count, std::uint32_t alignment) {
  std::vector<TableEntry> table;
  table.reserve(count);
  std::unordered_set<std::string> names;
  std::uint64_t end = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t at = in.position();
    TableEntry entry;
    HEIRLOOM_TRY(entry.tensor.name, read_name(in));
    const auto named = [&](Error error) { return fail(std::move(error).at_tensor(entry.tensor.name)); };
    if (!names.insert(entry.tensor.name).second)
      return named(in.error_at(at, Code::malformed, "two tensors have this name").value());
    if (Result<void> fields = read_fields(in, entry, end); !fields)
      return named(std::move(fields).error());
    const auto padded = checked::align_up(entry.size, alignment);
    const auto next = padded ? checked::add(end, *padded) : padded;
    if (!next)
      return named(in.error_at(entry.offset_at, Code::malformed, next.error().message).value());
    end = *next;
    table.push_back(std::move(entry));
  }
  return table;
}

}  // namespace heirloom::gguf
