#include "plugins/common/zip/directory.hpp"

#include "plugins/common/zip/names.hpp"

#include <algorithm>
#include <optional>

namespace heirloom::zip {
namespace {

constexpr std::uint32_t full32 = 0xffffffff;
constexpr std::uint16_t full16 = 0xffff;
constexpr std::uint16_t zip64_extra = 1;
constexpr std::uint64_t max_comment_bytes = 65535;

struct Method {
  std::uint16_t number;
  std::string_view name;
};
constexpr Method known_methods[] = {{1, "shrink"}, {6, "implode"}, {9, "deflate64"}, {12, "bzip2"}, {14, "LZMA"},
                                    {93, "zstd"},  {95, "xz"},     {98, "PPMd"},     {99, "AES"}};

std::string method_text(std::uint16_t number) {
  for (const Method& method : known_methods)
    if (method.number == number)
      return std::to_string(number) + " (" + std::string(method.name) + ")";
  return std::to_string(number);
}

// Where the directory lies and how many entries it has.
struct End {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  std::uint64_t offset = 0;  // from the start of the archive
  std::uint64_t position = 0;  // byte of the file where the end records begin: the directory ends there
};

// The last bytes of the archive, with positions.
struct Tail {
  std::vector<std::uint8_t> bytes;
  std::uint64_t position = 0;
};

Result<Tail> read_tail(const Files& files, const std::string& file, Range range, std::uint64_t wanted) {
  Tail tail;
  tail.bytes.resize(std::min(range.size, wanted));
  tail.position = range.offset + range.size - tail.bytes.size();
  HEIRLOOM_CHECK(files.read(file, tail.position, tail.bytes));
  return tail;
}

// Index of the last end record in the tail, or nothing.
std::optional<std::uint64_t> find_end(const Tail& tail) {
  for (std::uint64_t i = tail.bytes.size() - end_bytes + 1; i-- > 0;)
    if (u32_at(tail.bytes.data(), i) == end_signature)
      return i;
  return std::nullopt;
}

Result<void> read_end64(const Files& files, const std::string& file, Range range, std::uint64_t locator_position,
                        const std::uint8_t* locator, End& end) {
  const auto wrong = [&](Code code, std::uint64_t at, std::string what) { return fail(Error{code, what, at, file}); };
  if (u32_at(locator, 4) != 0 || u32_at(locator, 16) > 1)
    return wrong(Code::unsupported, locator_position, "the zip archive spans several disks");
  const std::uint64_t offset = u64_at(locator, 8);
  const std::uint64_t room = locator_position - range.offset;
  if (room < end64_bytes || offset > room - end64_bytes)
    return wrong(Code::malformed, locator_position + 8, "the zip64 end record is said to lie outside of the archive");
  const std::uint64_t position = range.offset + offset;
  std::uint8_t record[end64_bytes];
  HEIRLOOM_CHECK(files.read(file, position, record));
  if (u32_at(record, 0) != end64_signature || u64_at(record, 4) != room - offset - 12)
    return wrong(Code::malformed, position, "no zip64 end record where the locator says");
  if (u32_at(record, 16) != 0 || u32_at(record, 20) != 0 || u64_at(record, 24) != u64_at(record, 32))
    return wrong(Code::unsupported, position, "the zip archive spans several disks");
  const End wide{u64_at(record, 32), u64_at(record, 40), u64_at(record, 48), position};
  if ((end.entries != full16 && end.entries != wide.entries) || (end.bytes != full32 && end.bytes != wide.bytes) ||
      (end.offset != full32 && end.offset != wide.offset))
    return wrong(Code::malformed, end.position, "the zip64 end record says otherwise than the end record");
  end = wide;
  return {};
}

// | end64? | locator? | end | comment |, up to the last byte of the range.
Result<End> read_end(const Files& files, const std::string& file, Range range) {
  const auto wrong = [&](Code code, std::uint64_t at, std::string what) { return fail(Error{code, what, at, file}); };
  HEIRLOOM_TRY(Tail tail, read_tail(files, file, range, 256));
  auto found = find_end(tail);
  if (!found) {
    HEIRLOOM_TRY(tail, read_tail(files, file, range, end_bytes + max_comment_bytes));
    found = find_end(tail);
  }
  if (!found)
    return wrong(Code::malformed, range.offset + range.size,
                 "the zip archive has no end record: it is cut off, or something follows it");
  const std::uint8_t* record = tail.bytes.data() + *found;
  const std::uint64_t position = tail.position + *found;
  if (u16_at(record, 20) != tail.bytes.size() - *found - end_bytes)
    return wrong(Code::malformed, position + 20, "the comment of the zip archive does not end where the archive does");
  End end{u16_at(record, 10), u32_at(record, 12), u32_at(record, 16), position};
  const auto disk_is_zero_or_full = [&](std::uint64_t at) {
    return u16_at(record, at) == 0 || u16_at(record, at) == full16;
  };
  if (!disk_is_zero_or_full(4) || !disk_is_zero_or_full(6) || u16_at(record, 8) != u16_at(record, 10))
    return wrong(Code::unsupported, position + 4, "the zip archive spans several disks");
  if (position - range.offset >= locator_bytes) {
    std::uint8_t locator[locator_bytes];
    HEIRLOOM_CHECK(files.read(file, position - locator_bytes, locator));
    if (u32_at(locator, 0) == locator_signature)
      HEIRLOOM_CHECK(read_end64(files, file, range, position - locator_bytes, locator, end));
  }
  const std::uint64_t room = end.position - range.offset;
  if (end.bytes > room || end.offset != room - end.bytes)
    return wrong(Code::malformed, end.position,
                 "the directory of the zip archive is said to be " + std::to_string(end.bytes) + " bytes from byte " +
                     std::to_string(end.offset) + ", which is not just before its end record");
  return end;
}

Result<void> check_limits(const End& end, const std::string& file) {
  const auto wrong = [&](Code code, std::string what) { return fail(Error{code, what, end.position, file}); };
  if (end.entries > max_members)
    return wrong(Code::limit, "the zip archive has " + std::to_string(end.entries) + " members, more than " +
                                  std::to_string(max_members));
  if (end.bytes > max_directory_bytes)
    return wrong(Code::limit, "the directory of the zip archive has " + std::to_string(end.bytes) +
                                  " bytes, more than " + std::to_string(max_directory_bytes));
  if (end.entries * entry_bytes > end.bytes)
    return wrong(Code::malformed, "a directory of " + std::to_string(end.bytes) + " bytes cannot hold " +
                                      std::to_string(end.entries) + " members");
  return {};
}

Result<void> check_method(const Entry& entry) {
  const auto wrong = [&](Code code, std::string what) { return fail(code, std::move(what), entry.position); };
  const std::string name = "\"" + entry.member.name + "\"";
  constexpr std::uint16_t strongly_encrypted = 1u << 6, masked = 1u << 13, patch = 1u << 5;
  if ((entry.flags & (flag_encrypted | strongly_encrypted | masked)) != 0 || entry.method == 99)
    return wrong(Code::unsupported, name + " is encrypted");
  if ((entry.flags & patch) != 0)
    return wrong(Code::unsupported, name + " is patch data");
  if (entry.method != method_stored && entry.method != method_deflated)
    return wrong(Code::unsupported, name + " is compressed by method " + method_text(entry.method) +
                                        "; only stored and deflated members are read");
  const Member& member = entry.member;
  if (!member.is_deflated && member.size != member.stored_size)
    return wrong(Code::malformed, name + " is stored, but has " + std::to_string(member.stored_size) + " bytes for " +
                                      std::to_string(member.size));
  if (member.is_deflated && member.size / max_deflate_ratio > member.stored_size)
    return wrong(Code::malformed, name + " claims " + std::to_string(member.size) + " bytes from " +
                                      std::to_string(member.stored_size) + " deflated ones, which cannot be");
  return {};
}

// The entry at `index` of the directory's bytes; moves the index behind it.
Result<Entry> read_entry(std::span<const std::uint8_t> bytes, Range range, std::uint64_t begin, std::uint64_t& index) {
  const std::uint64_t position = begin + index;
  if (bytes.size() - index < entry_bytes || u32_at(bytes.data(), index) != entry_signature)
    return fail(Code::malformed, "no entry of the zip directory here", position);
  const std::uint8_t* fixed = bytes.data() + index;
  const std::uint64_t name_size = u16_at(fixed, 28), extra_size = u16_at(fixed, 30), comment_size = u16_at(fixed, 32);
  if (bytes.size() - index - entry_bytes < name_size + extra_size + comment_size)
    return fail(Code::malformed, "an entry of the zip directory goes beyond its end", position);
  Entry entry;
  entry.position = position;
  entry.flags = u16_at(fixed, 8);
  entry.method = u16_at(fixed, 10);
  entry.member.name.assign(reinterpret_cast<const char*>(fixed + entry_bytes), name_size);
  entry.member.crc32 = u32_at(fixed, 16);
  entry.member.is_deflated = entry.method == method_deflated;
  HEIRLOOM_CHECK(check_name(entry.member.name, position));
  HEIRLOOM_TRY(const Sizes sizes,
               widen({u32_at(fixed, 24), u32_at(fixed, 20), u32_at(fixed, 42)},
                     bytes.subspan(index + entry_bytes + name_size, extra_size), position + entry_bytes + name_size,
                     false));
  entry.member.size = sizes.size;
  entry.member.stored_size = sizes.stored_size;
  if (sizes.header >= begin - range.offset)
    return fail(Code::malformed, "\"" + entry.member.name + "\" is said to begin at byte " +
                                     std::to_string(sizes.header) + ", behind the members", position + 42);
  entry.member.header = range.offset + sizes.header;
  if (u16_at(fixed, 34) != 0 && u16_at(fixed, 34) != full16)
    return fail(Code::unsupported, "the zip archive spans several disks", position + 34);
  HEIRLOOM_CHECK(check_method(entry));
  index += entry_bytes + name_size + extra_size + comment_size;
  return entry;
}

}  // namespace

// Extra fields: | id u16 | size u16 | data |. The zip64 one has, in this order, those of size, stored size and header whose
// fixed field is full; a local header has no field for the last.
Result<Sizes> widen(Sizes sizes, std::span<const std::uint8_t> extra, std::uint64_t at, bool is_local) {
  std::optional<std::span<const std::uint8_t>> wide;
  for (std::uint64_t i = 0; i < extra.size();) {
    if (extra.size() - i < 4 || u16_at(extra.data(), i + 2) > extra.size() - i - 4)
      return fail(Code::malformed, "an extra field of the zip archive goes beyond its end", at + i);
    if (u16_at(extra.data(), i) == zip64_extra) {
      if (wide)
        return fail(Code::malformed, "two zip64 fields for one member", at + i);
      wide = extra.subspan(i + 4, u16_at(extra.data(), i + 2));
    }
    i += 4u + u16_at(extra.data(), i + 2);
  }
  std::uint64_t used = 0;
  for (std::uint64_t* field : {&sizes.size, &sizes.stored_size, &sizes.header}) {
    if (*field != full32 || (is_local && field == &sizes.header))
      continue;
    if (!wide || wide->size() - used < 8)
      return fail(Code::malformed, "a size of 0xffffffff without a zip64 field that says it", at);
    *field = u64_at(wide->data(), used);
    used += 8;
  }
  return sizes;
}

Result<Directory> read_directory(const Files& files, const std::string& file, Range range) {
  HEIRLOOM_TRY(const End end, read_end(files, file, range));
  HEIRLOOM_CHECK(check_limits(end, file));
  std::vector<std::uint8_t> bytes(end.bytes);
  Directory directory;
  directory.begin = end.position - end.bytes;
  HEIRLOOM_CHECK(files.read(file, directory.begin, bytes));
  directory.entries.reserve(end.entries);
  std::uint64_t index = 0;
  for (std::uint64_t i = 0; i < end.entries; ++i) {
    auto entry = read_entry(bytes, range, directory.begin, index);
    if (!entry)
      return fail(std::move(entry.error()).in_file(file));
    directory.entries.push_back(std::move(*entry));
  }
  if (index != bytes.size())
    return fail(Error{Code::malformed, "the zip directory goes on after its last entry", directory.begin + index, file});
  return directory;
}

}  // namespace heirloom::zip
