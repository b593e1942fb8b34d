// Own code for the directory: libzip neither says where a payload lies in the file nor refuses what must be refused here
// (overlaps, duplicates, a local header that differs). Inflating and CRC-32 are zlib's.
#include "plugins/common/zip/archive.hpp"

#include "plugins/common/zip/content.hpp"
#include "plugins/common/zip/directory.hpp"
#include "plugins/common/zip/names.hpp"

#include <algorithm>
#include <numeric>

namespace heirloom::zip {
namespace {

Result<void> check_start(const Files& files, const std::string& file, Range range) {
  std::vector<std::uint8_t> start(std::min<std::uint64_t>(range.size, 512));
  HEIRLOOM_CHECK(files.read(file, range.offset, start));
  const std::uint32_t signature = start.size() < end_bytes ? 0 : u32_at(start.data(), 0);
  if (signature == local_signature || signature == end_signature)
    return {};
  const std::string_view kind = kind_of(start);
  return fail(Error{kind.empty() ? Code::malformed : Code::unsupported,
                    kind.empty() ? "this is no zip archive: it does not begin with \"PK\\x03\\x04\""
                                 : "this is " + std::string(kind) + ", not a zip archive",
                    range.offset, file});
}

// What the local header says must be what the directory says; with a data descriptor it may leave CRC and sizes out.
Result<void> compare(const Entry& entry, std::span<const std::uint8_t> local) {
  const Member& member = entry.member;
  const auto wrong = [&](std::uint64_t at, std::string_view what) {
    return fail(Code::malformed, "the local header of \"" + member.name + "\" has another " + std::string(what) +
                                     " than the directory", member.header + at);
  };
  const std::uint64_t name_size = u16_at(local.data(), 26), extra_size = u16_at(local.data(), 28);
  const std::string_view name(reinterpret_cast<const char*>(local.data() + local_bytes), name_size);
  const std::uint16_t flags = u16_at(local.data(), 6);
  if (name != member.name)
    return wrong(local_bytes, "name");
  if (u16_at(local.data(), 8) != entry.method)
    return wrong(8, "method");
  if (((flags ^ entry.flags) & flag_encrypted) != 0)
    return wrong(6, "encryption");
  HEIRLOOM_TRY(const Sizes sizes, widen({u32_at(local.data(), 22), u32_at(local.data(), 18), 0},
                                        local.subspan(local_bytes + name_size, extra_size),
                                        member.header + local_bytes + name_size, true));
  const bool may_be_zero = (flags & flag_descriptor) != 0;
  const auto agrees = [&](std::uint64_t here, std::uint64_t there) { return here == there || (may_be_zero && here == 0); };
  if (!agrees(u32_at(local.data(), 14), member.crc32))
    return wrong(14, "CRC-32");
  if (!agrees(sizes.stored_size, member.stored_size) || !agrees(sizes.size, member.size))
    return wrong(18, "size");
  return {};
}

// Reads the local header, and finds the payload.
Result<void> locate(const Files& files, const std::string& file, std::uint64_t directory_begin, Entry& entry,
                    std::vector<std::uint8_t>& local) {
  Member& member = entry.member;
  const std::uint64_t room = directory_begin - member.header;
  const auto read = [&](std::uint64_t size) -> Result<void> {
    local.resize(std::min(room, size));
    return files.read(file, member.header, local);
  };
  // A guess that holds the extra fields of most writers, so that one read is enough.
  HEIRLOOM_CHECK(read(local_bytes + member.name.size() + 128));
  if (local.size() < local_bytes || u32_at(local.data(), 0) != local_signature)
    return fail(Code::malformed, "no local header of \"" + member.name + "\" where the directory says", member.header);
  const std::uint64_t size = local_bytes + u16_at(local.data(), 26) + u16_at(local.data(), 28);
  if (size > room)
    return fail(Code::malformed, "the local header of \"" + member.name + "\" runs into the directory", member.header);
  if (size > local.size())
    HEIRLOOM_CHECK(read(size));
  HEIRLOOM_CHECK(compare(entry, local));
  member.offset = member.header + size;
  if (member.stored_size > directory_begin - member.offset)
    return fail(Code::malformed, "\"" + member.name + "\" has " + std::to_string(member.stored_size) +
                                     " bytes and so runs into the directory", entry.position);
  return {};
}

Result<void> check_overlaps(const std::vector<Member>& members) {
  std::vector<const Member*> by_place(members.size());
  std::ranges::transform(members, by_place.begin(), [](const Member& member) { return &member; });
  std::ranges::sort(by_place, {}, &Member::header);
  for (std::size_t i = 1; i < by_place.size(); ++i)
    if (by_place[i]->header < by_place[i - 1]->offset + by_place[i - 1]->stored_size)
      return fail(Code::malformed, "the members \"" + by_place[i - 1]->name + "\" and \"" + by_place[i]->name +
                                       "\" overlap", by_place[i]->header);
  return {};
}

}  // namespace

Result<bool> looks_like_zip(const Files& files, const std::string& file, std::uint64_t offset) {
  HEIRLOOM_TRY(const std::uint64_t size, files.size(file));
  if (size < end_bytes || offset > size - end_bytes)
    return false;
  std::uint8_t start[4];
  HEIRLOOM_CHECK(files.read(file, offset, start));
  return u32_at(start, 0) == local_signature || u32_at(start, 0) == end_signature;
}

Result<Archive> Archive::open(const Files& files, std::string file, Range range) {
  HEIRLOOM_TRY(const std::uint64_t size, files.size(file));
  if (range.offset > size || range.size > size - range.offset)
    return fail(Error{Code::malformed, "a zip archive of " + std::to_string(range.size) + " bytes from byte " +
                                           std::to_string(range.offset) + " extends past the end of the file",
                      range.offset, file});
  HEIRLOOM_CHECK(check_start(files, file, range));
  HEIRLOOM_TRY(Directory directory, read_directory(files, file, range));
  Archive archive(files, std::move(file));
  archive.members_.reserve(directory.entries.size());
  std::vector<std::uint8_t> local;
  for (Entry& entry : directory.entries) {
    if (auto located = locate(files, archive.file_, directory.begin, entry, local); !located)
      return fail(std::move(located.error()).in_file(archive.file_));
    archive.members_.push_back(std::move(entry.member));
  }
  if (auto apart = check_overlaps(archive.members_); !apart)
    return fail(std::move(apart.error()).in_file(archive.file_));
  HEIRLOOM_CHECK(archive.index());
  return archive;
}

Result<Archive> Archive::open(const Files& files, std::string file) {
  HEIRLOOM_TRY(const std::uint64_t size, files.size(file));
  return open(files, std::move(file), {0, size});
}

// Leaves folders out and makes the names' index.
Result<void> Archive::index() {
  for (const Member& member : members_)
    if (member.name.ends_with('/') && member.size != 0)
      return fail(Error{Code::malformed, "the folder \"" + member.name + "\" has content", member.header, file_});
  std::erase_if(members_, [](const Member& member) { return member.name.ends_with('/'); });
  by_name_.resize(members_.size());
  std::iota(by_name_.begin(), by_name_.end(), 0u);
  const auto name_of = [&](std::uint32_t i) -> std::string_view { return members_[i].name; };
  std::ranges::sort(by_name_, {}, name_of);
  if (const auto twice = std::ranges::adjacent_find(by_name_, {}, name_of); twice != by_name_.end())
    return fail(Error{Code::malformed, "two members are called \"" + members_[*twice].name + "\"",
                      std::max(members_[twice[0]].header, members_[twice[1]].header), file_});
  return {};
}

const Member* Archive::find(std::string_view name) const {
  const auto name_of = [&](std::uint32_t i) -> std::string_view { return members_[i].name; };
  const auto at = std::ranges::lower_bound(by_name_, name, {}, name_of);
  return at == by_name_.end() || name_of(*at) != name ? nullptr : &members_[*at];
}

Result<std::vector<std::uint8_t>> Archive::read(const Member& member, std::uint64_t limit) const {
  if (member.size > limit)
    return fail(Error{Code::limit, "\"" + member.name + "\" has " + std::to_string(member.size) +
                                       " bytes, more than " + std::to_string(limit), member.header, file_});
  std::vector<std::uint8_t> bytes(member.size);
  Content content(*this, member);
  HEIRLOOM_CHECK(content.read_all(bytes));
  return bytes;
}

Result<std::vector<std::uint8_t>> Archive::read(std::string_view name, std::uint64_t limit) const {
  const Member* member = find(name);
  if (member == nullptr)
    return fail(Error{Code::malformed, "the zip archive has no \"" + std::string(name) + "\"", no_position, file_});
  return read(*member, limit);
}

}  // namespace heirloom::zip
