#include "header.hpp"

#include "heirloom/checked.hpp"
#include "heirloom/cursor.hpp"
#include "plugins/common/shards/json_text.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_set>

namespace heirloom::safetensors {
namespace {

using shards::JsonText;

constexpr std::string_view metadata_key = "__metadata__";

// The members of one tensor's entry that have been seen.
struct Entry {
  HeaderTensor tensor;
  bool has_dtype = false;
  bool has_shape = false;
  bool has_offsets = false;
};

Result<void> read_dtype(JsonText& json, JsonText::Member& member, Entry& entry) {
  const std::uint64_t at = json.position(member.value);
  HEIRLOOM_TRY(const std::string_view name, json.text(member.value, "dtype"));
  entry.tensor.dtype = find_dtype(name);
  if (entry.tensor.dtype == nullptr)
    return json.error(Code::unsupported, "unknown dtype \"" + std::string(name) + "\"", at);
  return {};
}

Result<void> read_offsets(JsonText& json, JsonText::Member& member, Entry& entry) {
  const std::uint64_t at = json.position(member.value);
  HEIRLOOM_TRY(const std::vector<std::uint64_t> offsets, json.counts(member.value, "data_offsets"));
  if (offsets.size() != 2)
    return json.error(Code::malformed, "data_offsets has " + std::to_string(offsets.size()) + " items, not 2", at);
  entry.tensor.begin = offsets[0];
  entry.tensor.end = offsets[1];
  return {};
}

Result<void> read_shape(JsonText& json, JsonText::Member& member, Entry& entry) {
  HEIRLOOM_TRY(entry.tensor.shape, json.counts(member.value, "shape"));
  return {};
}

struct Field {
  std::string_view name;
  bool Entry::*is_seen;
  Result<void> (*read)(JsonText&, JsonText::Member&, Entry&);
};

constexpr std::array fields = {
    Field{"dtype", &Entry::has_dtype, read_dtype},
    Field{"shape", &Entry::has_shape, read_shape},
    Field{"data_offsets", &Entry::has_offsets, read_offsets},
};

// What must hold for the entry by itself: its offsets are in order and hold exactly shape x dtype.
Result<void> check_size(const JsonText& json, const HeaderTensor& tensor) {
  if (tensor.end < tensor.begin)
    return json.error(Code::malformed, "data_offsets end before they begin", tensor.position);
  const WellKnownEncoding& geometry = tensor.dtype->geometry();
  const auto size = checked::tensor_bytes(tensor.shape, geometry.block_elements, geometry.block_bytes);
  if (!size)
    return json.error(size.error().code, size.error().message, tensor.position);
  const std::uint64_t held = tensor.end - tensor.begin;
  if (*size != held)
    return json.error(Code::malformed,
                      "data_offsets hold " + std::to_string(held) + " bytes, but shape and dtype need " +
                          std::to_string(*size),
                      tensor.position);
  return {};
}

Result<HeaderTensor> read_entry(JsonText& json, JsonText::Member& member) {
  Entry entry;
  entry.tensor.name = member.key;
  entry.tensor.position = member.position;
  HEIRLOOM_CHECK(json.members(member.value, "the tensor's entry", [&](JsonText::Member& inner) -> Result<void> {
    const auto field = std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == inner.key; });
    if (field == fields.end())
      return json.skip(inner.value, 2);
    if (entry.*(field->is_seen))
      return json.error(Code::malformed, "duplicate field \"" + std::string(field->name) + "\"", inner.position);
    entry.*(field->is_seen) = true;
    return field->read(json, inner, entry);
  }));
  for (const Field& field : fields)
    if (!(entry.*(field.is_seen)))
      return json.error(Code::malformed, "the tensor's entry has no " + std::string(field.name), member.position);
  HEIRLOOM_CHECK(check_size(json, entry.tensor));
  return std::move(entry.tensor);
}

Result<void> read_metadata(JsonText& json, JsonText::Member& member, Header& header) {
  HEIRLOOM_TRY(const bool is_null, json.is_null(member.value));
  if (is_null)
    return {};
  std::unordered_set<std::string_view> seen;
  return json.members(member.value, "__metadata__", [&](JsonText::Member& item) -> Result<void> {
    const std::string key(item.key);
    if (!seen.insert(item.key).second)
      return json.error(Code::malformed, "duplicate metadata key \"" + key + "\"", item.position);
    HEIRLOOM_TRY(const std::string_view value, json.text(item.value, "metadata \"" + key + "\""));
    header.metadata.emplace_back(key, value);
    return {};
  });
}

Result<void> read_member(JsonText& json, JsonText::Member& member, std::unordered_set<std::string_view>& seen,
                         Header& header) {
  if (!seen.insert(member.key).second)
    return json.error(Code::malformed, "duplicate name \"" + std::string(member.key) + "\"", member.position);
  if (member.key == metadata_key)
    return read_metadata(json, member, header);
  HEIRLOOM_TRY(HeaderTensor tensor, read_entry(json, member));
  header.tensors.push_back(std::move(tensor));
  return {};
}

Result<void> read_members(JsonText& json, Header& header) {
  std::unordered_set<std::string_view> seen;
  return json.members([&](JsonText::Member& member) -> Result<void> {
    auto read = read_member(json, member, seen, header);
    if (!read && member.key != metadata_key)
      return fail(std::move(read).error().at_tensor(member.key));
    return read;
  });
}

// Sorts tensors by their data and checks that the data has no hole, no overlap, and ends where the file does.
Result<void> check_coverage(Header& header, const std::string& file) {
  std::stable_sort(header.tensors.begin(), header.tensors.end(), [](const HeaderTensor& a, const HeaderTensor& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t end = 0;
  for (const HeaderTensor& tensor : header.tensors) {
    if (tensor.begin != end)
      return fail(Error{Code::malformed,
                        std::string(tensor.begin < end ? "data overlaps another tensor" : "a hole before the data") +
                            ": it begins at " + std::to_string(tensor.begin) + ", but the data before ends at " +
                            std::to_string(end),
                        tensor.position, file, tensor.name});
    end = tensor.end;
  }
  const std::uint64_t data_bytes = header.file_bytes - header.data_start;
  if (end > data_bytes)
    return fail(Error{Code::malformed,
                      "data extends past the end of the file: needs " + std::to_string(end) +
                          " bytes after the header, has " + std::to_string(data_bytes),
                      header.file_bytes, file});
  if (end < data_bytes)
    return fail(Error{Code::malformed, std::to_string(data_bytes - end) + " bytes after the last tensor",
                      header.data_start + end, file});
  return {};
}

}  // namespace

Result<Header> read_header(const Files& files, const std::string& file) {
  HEIRLOOM_TRY(Cursor in, Cursor::open(files, file));
  Header header;
  header.file_bytes = in.size();
  if (in.remaining() < length_bytes)
    return in.error_at(in.size(), Code::malformed, "too small for a safetensors file");
  HEIRLOOM_TRY(const std::uint64_t size, in.u64());
  if (size > max_header_bytes)
    return in.error_at(0, Code::limit, "header of " + std::to_string(size) + " bytes exceeds the limit of " +
                                           std::to_string(max_header_bytes));
  if (size > in.remaining())
    return in.error_at(0, Code::malformed,
                       "header of " + std::to_string(size) + " bytes extends past the end of the file");
  header.data_start = length_bytes + size;
  HEIRLOOM_TRY(JsonText json, JsonText::load(files, file, length_bytes, size, "header"));
  HEIRLOOM_CHECK(read_members(json, header));
  HEIRLOOM_CHECK(check_coverage(header, file));
  return header;
}

Result<bool> looks_like_header(const Files& files, const std::string& file) {
  constexpr std::uint64_t look_bytes = 4096;
  HEIRLOOM_TRY(Cursor in, Cursor::open(files, file));
  if (in.remaining() < length_bytes)
    return false;
  HEIRLOOM_TRY(const std::uint64_t size, in.u64());
  if (size > max_header_bytes || size > in.remaining())
    return false;
  HEIRLOOM_TRY(const std::string text, in.text(std::min(size, look_bytes)));
  constexpr std::string_view white_space = " \t\n\r";
  const std::size_t brace = text.find_first_not_of(white_space);
  if (brace == std::string::npos || text[brace] != '{')
    return false;
  const std::size_t next = text.find_first_not_of(white_space, brace + 1);
  return next != std::string::npos && (text[next] == '"' || text[next] == '}');
}

}  // namespace heirloom::safetensors
