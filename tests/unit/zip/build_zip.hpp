// Makes zip archives in memory, and remembers where everything lies so that tests can spoil one thing at a time.
#pragma once

#include "plugins/common/zip/crc32.hpp"
#include "tests/support/memory_host.hpp"

#include <zlib.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace heirloom::test {

struct ZipMember {
  std::string name;
  Bytes content = {};
  bool is_deflated = false;
  bool has_descriptor = false;  // CRC and sizes are zero in the local header
  bool is_zip64 = false;        // sizes and offset in extra fields
  Bytes extra = {};             // of the local header
};

struct ZipSpec {
  std::vector<ZipMember> members;
  bool has_zip64_end = false;
  std::string comment = {};
};

struct BuiltZip {
  Bytes bytes;
  // "local:NAME", "payload:NAME", "entry:NAME", "directory", "end64", "locator", "end"
  std::map<std::string, std::uint64_t> at;

  void put(std::uint64_t position, std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i)
      bytes.at(position + static_cast<std::uint64_t>(i)) = static_cast<std::uint8_t>(value >> 8 * i);
  }
  void put16(std::uint64_t position, std::uint64_t value) { put(position, value, 2); }
  void put32(std::uint64_t position, std::uint64_t value) { put(position, value, 4); }
  void put64(std::uint64_t position, std::uint64_t value) { put(position, value, 8); }
};

inline Bytes bytes_of(const std::string& text) { return Bytes(text.begin(), text.end()); }

inline Bytes deflated(const Bytes& content) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  Bytes out(deflateBound(&stream, static_cast<uLong>(content.size())));
  stream.next_in = const_cast<Bytef*>(content.data());
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline BuiltZip build_zip(const ZipSpec& spec) {
  BuiltZip built;
  Bytes directory;
  Bytes* to = &built.bytes;
  const auto number = [&](std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i)
      to->push_back(static_cast<std::uint8_t>(value >> 8 * i));
  };
  const auto append = [&](const auto& all) { to->insert(to->end(), all.begin(), all.end()); };
  std::vector<std::pair<std::string, std::uint64_t>> entries;
  for (const ZipMember& member : spec.members) {
    const Bytes payload = member.is_deflated ? deflated(member.content) : member.content;
    const std::uint32_t crc = zip::crc32(member.content);
    const std::uint64_t flags = (member.has_descriptor ? 8u : 0u) | 0x800u;
    const std::uint64_t local = built.bytes.size();
    const auto fixed = [&](bool is_local) {  // from "version needed" to the size
      number(20, 2), number(flags, 2), number(member.is_deflated ? 8 : 0, 2), number(0, 4);
      const bool is_zero = is_local && member.has_descriptor;
      const std::uint64_t full = 0xffffffff;
      number(is_zero ? 0 : crc, 4);
      number(is_zero ? 0 : member.is_zip64 ? full : payload.size(), 4);
      number(is_zero ? 0 : member.is_zip64 ? full : member.content.size(), 4);
    };
    const auto wide = [&](bool is_local) {
      number(1, 2), number(is_local ? 16 : 24, 2), number(member.content.size(), 8), number(payload.size(), 8);
      if (!is_local)
        number(local, 8);
    };
    to = &built.bytes;
    built.at["local:" + member.name] = local;
    number(0x04034b50, 4), fixed(true);
    const bool has_wide = member.is_zip64 && !member.has_descriptor;
    number(member.name.size(), 2), number(member.extra.size() + (has_wide ? 20 : 0), 2);
    append(member.name), append(member.extra);
    if (has_wide)
      wide(true);
    built.at["payload:" + member.name] = built.bytes.size();
    append(payload);
    if (member.has_descriptor)
      number(0x08074b50, 4), number(crc, 4), number(payload.size(), 4), number(member.content.size(), 4);
    to = &directory;
    entries.emplace_back("entry:" + member.name, directory.size());
    number(0x02014b50, 4), number(0, 2), fixed(false);
    number(member.name.size(), 2), number(member.is_zip64 ? 28 : 0, 2), number(0, 2), number(0, 2), number(0, 2);
    number(0, 4), number(member.is_zip64 ? 0xffffffff : local, 4);
    append(member.name);
    if (member.is_zip64)
      wide(false);
  }
  to = &built.bytes;
  const std::uint64_t begin = built.bytes.size();
  built.at["directory"] = begin;
  for (const auto& [name, offset] : entries)
    built.at[name] = begin + offset;
  append(directory);
  if (spec.has_zip64_end) {
    const std::uint64_t end64 = built.bytes.size();
    built.at["end64"] = end64;
    number(0x06064b50, 4), number(44, 8), number(45, 2), number(45, 2), number(0, 8), number(entries.size(), 8);
    number(entries.size(), 8), number(directory.size(), 8), number(begin, 8);
    built.at["locator"] = built.bytes.size();
    number(0x07064b50, 4), number(0, 4), number(end64, 8), number(1, 4);
  }
  built.at["end"] = built.bytes.size();
  number(0x06054b50, 4), number(0, 4), number(entries.size(), 2), number(entries.size(), 2);
  number(directory.size(), 4), number(begin, 4), number(spec.comment.size(), 2), append(spec.comment);
  return built;
}

// Three members: stored, deflated, and stored with a data descriptor.
inline ZipSpec small_zip() {
  return {{{"first", bytes_of("forty-two bytes of content, more or less.")},
           {"folder/second", Bytes(5000, 'x'), true},
           {"third", bytes_of("abc"), false, true}}};
}

}  // namespace heirloom::test
