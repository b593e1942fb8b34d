#include "file.hpp"

#include "limits.hpp"
#include "metadata.hpp"
#include "tensor_table.hpp"

#include <bit>
#include <unordered_set>

namespace heirloom::gguf {

namespace {

// The fewest bytes that an entry takes: a key of one byte and a value of one; a tensor without name and dimensions.
constexpr std::uint64_t min_attr_bytes = 8 + 1 + 4 + 1;
constexpr std::uint64_t min_tensor_bytes = 8 + 4 + 4 + 8;

Result<void> read_magic(Cursor& in) {
  HEIRLOOM_TRY(const std::string magic, in.text(4));
  if (magic != "GGUF")
    return in.error_at(0, Code::malformed, "does not begin with \"GGUF\"");
  return {};
}

// Also finds the byte order: a version whose low half is zero was written the other way round.
Result<std::uint32_t> read_version(Cursor& in) {
  const std::uint64_t at = in.position();
  HEIRLOOM_TRY(std::uint32_t version, in.u32());
  if (version == 0)
    return in.error_at(at, Code::malformed, "version 0");
  if ((version & 0xffffu) == 0) {
    in.set_big_endian(true);
    version = __builtin_bswap32(version);
  }
  if (version != 2 && version != 3)
    return in.error_at(at, Code::unsupported,
                       "version " + std::to_string(version) + " is not supported, only 2 and 3 are");
  return version;
}

Result<std::uint64_t> read_count(Cursor& in, const char* what) {
  const std::uint64_t at = in.position();
  HEIRLOOM_TRY(const std::uint64_t count, in.u64());
  if (count > INT64_MAX)
    return in.error_at(at, Code::malformed, std::string("the number of ") + what + " is negative");
  return count;
}

// The file can hold that many entries. The count stands at byte `position`.
Result<void> require_entries(const Cursor& in, std::uint64_t count, std::uint64_t each, std::uint64_t position,
                             const char* what) {
  const std::string text = std::to_string(count) + " " + what;
  if (count > in.remaining() / each)
    return in.error_at(position, Code::malformed,
                       text + " do not fit the " + std::to_string(in.remaining()) + " bytes that are left");
  if (count > max_entries)
    return in.error_at(position, Code::limit, text + " are more than " + std::to_string(max_entries));
  return {};
}

Result<void> read_metadata(Cursor& in, std::uint64_t count, GgufFile& out) {
  std::unordered_set<std::string> keys;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t at = in.position();
    HEIRLOOM_TRY(Attr attr, read_attr(in));
    if (!keys.insert(attr.key).second)
      return in.error_at(at, Code::malformed, "key \"" + attr.key + "\" stands there twice");
    out.attr_positions.push_back(at);
    out.attrs.push_back(std::move(attr));
  }
  return {};
}

// Finds the data, and every tensor in it.
Result<void> place_tensors(const Cursor& in, std::vector<TableEntry> table, std::uint32_t alignment, GgufFile& out) {
  HEIRLOOM_TRY(const std::uint64_t start, checked::align_up(in.position(), alignment));
  std::uint64_t end = start;
  if (!table.empty() && start > in.size())
    return in.error(Code::malformed, "the file ends before its data, which starts at byte " + std::to_string(start));
  for (TableEntry& entry : table) {
    const std::uint64_t room = in.size() - start;
    if (entry.offset > room || entry.size > room - entry.offset)
      return fail(in.error_at(entry.offset_at, Code::malformed,
                              "its " + std::to_string(entry.size) + " bytes extend past the end of the file")
                      .value()
                      .at_tensor(entry.tensor.name));
    if (entry.size != 0)
      entry.tensor.extents.push_back({0, start + entry.offset, entry.size});
    HEIRLOOM_TRY(end, checked::align_up(start + entry.offset + entry.size, alignment));
    const Encoding encoding{std::string(entry.encoding->id), entry.encoding->block_elements,
                            entry.encoding->block_bytes};
    if (std::find(out.encodings.begin(), out.encodings.end(), encoding) == out.encodings.end())
      out.encodings.push_back(encoding);
    out.tensors.push_back(std::move(entry.tensor));
  }
  out.trailing_bytes = in.size() > end ? in.size() - end : 0;
  return {};
}

Result<GgufFile> read_from(Cursor& in) {
  GgufFile out;
  HEIRLOOM_CHECK(read_magic(in));
  HEIRLOOM_TRY(out.version, read_version(in));
  const std::uint64_t counts_at = in.position();
  HEIRLOOM_TRY(const std::uint64_t tensors, read_count(in, "tensors"));
  HEIRLOOM_TRY(const std::uint64_t items, read_count(in, "metadata items"));
  HEIRLOOM_CHECK(require_entries(in, tensors, min_tensor_bytes, counts_at, "tensors"));
  HEIRLOOM_CHECK(require_entries(in, items, min_attr_bytes, counts_at + 8, "metadata items"));
  HEIRLOOM_CHECK(read_metadata(in, items, out));
  const Result<std::uint32_t> alignment = alignment_of(out.attrs, Code::malformed);
  if (!alignment)
    return in.error_at(out.position_of(alignment_key), alignment.error().code, alignment.error().message);
  HEIRLOOM_CHECK(require_entries(in, tensors, min_tensor_bytes, counts_at, "tensors"));
  HEIRLOOM_TRY(std::vector<TableEntry> table, read_tensor_table(in, tensors, *alignment));
  out.header_bytes = in.position();
  HEIRLOOM_CHECK(place_tensors(in, std::move(table), *alignment, out));
  return out;
}

}  // namespace

std::uint64_t GgufFile::position_of(std::string_view key) const {
  for (std::size_t i = 0; i < attrs.size(); ++i)
    if (attrs[i].key == key)
      return attr_positions[i];
  return no_position;
}

Result<std::uint32_t> alignment_of(const std::vector<Attr>& attrs, Code fault) {
  const Attr* attr = find_attr(attrs, alignment_key);
  if (attr == nullptr)
    return default_alignment;
  const auto value = attr->type == AttrType::u32 ? attr->get<std::uint32_t>() : std::nullopt;
  if (!value)
    return fail(fault, "general.alignment is not of type u32");
  if (!std::has_single_bit(*value))
    return fail(fault, "general.alignment is " + std::to_string(*value) + ", which is not a power of two");
  return *value;
}

Result<GgufFile> read_file(const Files& files, const std::string& name) {
  const auto located = [&](Error error) { return fail(std::move(error).in_file(name)); };
  Result<Cursor> in = Cursor::open(files, name);
  if (!in)
    return located(std::move(in).error());
  Result<GgufFile> file = read_from(*in);
  if (!file)
    return located(std::move(file).error());
  file->file = {name, in->size()};
  return file;
}

}  // namespace heirloom::gguf
