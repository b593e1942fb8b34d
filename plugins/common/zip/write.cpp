#include "plugins/common/zip/write.hpp"

#include "plugins/common/zip/directory.hpp"
#include "plugins/common/zip/names.hpp"

#include <zlib.h>

#include <algorithm>

namespace heirloom::zip {
namespace {

constexpr std::uint64_t full32 = 0xffffffff, full16 = 0xffff;

std::uint64_t fixed32(const Style& style, std::uint64_t number) { return number > style.largest32 ? full32 : number; }

// Of the versions, the low byte is one.
std::uint16_t at_least(std::uint16_t version, std::uint16_t least) {
  return static_cast<std::uint16_t>((version & 0xff00) | std::max(version & 0xff, least & 0xff));
}

void append_text(std::vector<std::uint8_t>& out, const std::string& text) {
  out.insert(out.end(), text.begin(), text.end());
}

// | signature | made by | needed | flags | method | time | date | CRC-32 | sizes | lengths | disk | attributes | offset |
void append_entry(std::vector<std::uint8_t>& out, const Style& style, const Outgoing& member) {
  std::vector<std::uint64_t> wide;
  if (member.size > style.largest32)
    wide = {member.size, member.size};
  if (member.header > style.largest32)
    wide.push_back(member.header);
  const std::uint16_t least = wide.empty() ? std::uint16_t{0} : style.needed64;
  append_number(out, entry_signature, 4);
  append_number(out, at_least(style.made_by, least), 2);
  append_number(out, at_least(style.needed, least), 2);
  append_number(out, member.flags, 2);
  append_number(out, method_stored, 2);
  append_number(out, 0, 2);
  append_number(out, style.date, 2);
  append_number(out, member.crc32, 4);
  append_number(out, fixed32(style, member.size), 4);
  append_number(out, fixed32(style, member.size), 4);
  append_number(out, member.name.size(), 2);
  append_number(out, wide.empty() ? 0 : 4 + 8 * wide.size(), 2);
  append_number(out, 0, 6);  // comment's length, disk, internal attributes
  append_number(out, style.attributes, 4);
  append_number(out, fixed32(style, member.header), 4);
  append_text(out, member.name);
  append_zip64(out, wide);
}

void append_end64(std::vector<std::uint8_t>& out, const Style& style, std::uint64_t count, std::uint64_t begin,
                  std::uint64_t size) {
  append_number(out, end64_signature, 4);
  append_number(out, end64_bytes - 12, 8);
  append_number(out, style.end64_made_by, 2);
  append_number(out, 45, 2);
  append_number(out, 0, 8);
  append_number(out, count, 8);
  append_number(out, count, 8);
  append_number(out, size, 8);
  append_number(out, begin, 8);
  append_number(out, locator_signature, 4);
  append_number(out, 0, 4);
  append_number(out, begin + size, 8);
  append_number(out, 1, 4);
}

}  // namespace

void append_number(std::vector<std::uint8_t>& out, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i)
    out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

void append_zip64(std::vector<std::uint8_t>& out, std::span<const std::uint64_t> numbers) {
  if (numbers.empty())
    return;
  append_number(out, 1, 2);
  append_number(out, 8 * numbers.size(), 2);
  for (const std::uint64_t number : numbers)
    append_number(out, number, 8);
}

void append_local(std::vector<std::uint8_t>& out, const Style& style, const Outgoing& member, std::uint64_t extra_size) {
  const bool follows = (member.flags & flag_descriptor) != 0;
  const std::uint64_t size = follows ? 0 : fixed32(style, member.size);
  const std::uint16_t least = size == full32 ? style.needed64 : std::uint16_t{0};
  append_number(out, local_signature, 4);
  append_number(out, at_least(style.needed, least), 2);
  append_number(out, member.flags, 2);
  append_number(out, method_stored, 2);
  append_number(out, 0, 2);
  append_number(out, style.date, 2);
  append_number(out, follows ? 0 : member.crc32, 4);
  append_number(out, size, 4);
  append_number(out, size, 4);
  append_number(out, member.name.size(), 2);
  append_number(out, extra_size, 2);
  append_text(out, member.name);
}

void append_directory(std::vector<std::uint8_t>& out, const Style& style, const std::vector<Outgoing>& members,
                      std::uint64_t begin) {
  const std::uint64_t before = out.size();
  for (const Outgoing& member : members)
    append_entry(out, style, member);
  const std::uint64_t size = out.size() - before;
  const bool is_large = members.size() > full16 || begin > style.largest32 || size > style.largest32;
  if (style.always_has_end64 || is_large)
    append_end64(out, style, members.size(), begin, size);
  append_number(out, end_signature, 4);
  append_number(out, 0, 4);
  append_number(out, std::min<std::uint64_t>(members.size(), full16), 2);
  append_number(out, std::min<std::uint64_t>(members.size(), full16), 2);
  append_number(out, std::min(size, full32), 4);
  append_number(out, std::min(begin, full32), 4);
  append_number(out, 0, 2);
}

std::uint32_t crc32_combine(std::uint32_t first, std::uint32_t second, std::uint64_t second_size) {
  return static_cast<std::uint32_t>(::crc32_combine(first, second, static_cast<z_off_t>(second_size)));
}

Result<void> check_outgoing_name(const std::string& name) {
  if (!name.ends_with('/') && check_name(name, 0))
    return {};
  return fail(Code::unsupported, "no member of a zip archive can be called \"" + name + "\"");
}

}  // namespace heirloom::zip
