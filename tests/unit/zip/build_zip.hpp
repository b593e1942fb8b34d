// Makes zip archives in memory, and remembers where everything lies so that tests can spoil one thing at a time.
#pragma once

#include "plugins/common/zip/crc32.hpp"
#include "tests/support/memory_host.hpp"

#include <zlib.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
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

// Appends records to an archive that is being made.
class ZipBuilder {
 public:
  void add(const ZipMember& member) {
    const Bytes payload = member.is_deflated ? deflated(member.content) : member.content;
    const std::uint64_t local = built_.bytes.size();
    const bool has_wide = member.is_zip64 && !member.has_descriptor;
    built_.at["local:" + member.name] = local;
    number(0x04034b50, 4);
    fixed(member, payload.size(), member.has_descriptor);
    number(member.name.size(), 2), number(member.extra.size() + (has_wide ? 20 : 0), 2);
    append(member.name), append(member.extra);
    if (has_wide)
      number(1, 2), number(16, 2), number(member.content.size(), 8), number(payload.size(), 8);
    built_.at["payload:" + member.name] = built_.bytes.size();
    append(payload);
    if (member.has_descriptor)
      number(0x08074b50, 4), number(zip::crc32(member.content), 4), number(payload.size(), 4), number(member.content.size(), 4);
    to_ = &directory_;
    add_entry(member, payload.size(), local);
    to_ = &built_.bytes;
  }

  BuiltZip finish(const ZipSpec& spec) && {
    const std::uint64_t begin = built_.bytes.size();
    built_.at["directory"] = begin;
    for (const auto& [name, offset] : entries_)
      built_.at[name] = begin + offset;
    append(directory_);
    if (spec.has_zip64_end) {
      const std::uint64_t end64 = built_.bytes.size();
      built_.at["end64"] = end64;
      number(0x06064b50, 4), number(44, 8), number(45, 2), number(45, 2), number(0, 8), number(entries_.size(), 8);
      number(entries_.size(), 8), number(directory_.size(), 8), number(begin, 8);
      built_.at["locator"] = built_.bytes.size();
      number(0x07064b50, 4), number(0, 4), number(end64, 8), number(1, 4);
    }
    built_.at["end"] = built_.bytes.size();
    number(0x06054b50, 4), number(0, 4), number(entries_.size(), 2), number(entries_.size(), 2);
    number(directory_.size(), 4), number(begin, 4), number(spec.comment.size(), 2), append(spec.comment);
    return std::move(built_);
  }

 private:
  void number(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i)
      to_->push_back(static_cast<std::uint8_t>(value >> 8 * i));
  }
  template <class All>
  void append(const All& all) {
    to_->insert(to_->end(), all.begin(), all.end());
  }
  // From "version needed" to the size.
  void fixed(const ZipMember& member, std::uint64_t stored_size, bool is_zero) {
    const std::uint64_t full = 0xffffffff;
    number(20, 2), number((member.has_descriptor ? 8u : 0u) | 0x800u, 2), number(member.is_deflated ? 8 : 0, 2), number(0, 4);
    number(is_zero ? 0 : zip::crc32(member.content), 4);
    number(is_zero ? 0 : member.is_zip64 ? full : stored_size, 4);
    number(is_zero ? 0 : member.is_zip64 ? full : member.content.size(), 4);
  }
  void add_entry(const ZipMember& member, std::uint64_t stored_size, std::uint64_t local) {
    entries_.emplace_back("entry:" + member.name, directory_.size());
    number(0x02014b50, 4), number(0, 2);
    fixed(member, stored_size, false);
    number(member.name.size(), 2), number(member.is_zip64 ? 28 : 0, 2), number(0, 6), number(0, 4);
    number(member.is_zip64 ? 0xffffffff : local, 4);
    append(member.name);
    if (member.is_zip64)
      number(1, 2), number(24, 2), number(member.content.size(), 8), number(stored_size, 8), number(local, 8);
  }

  BuiltZip built_;
  Bytes directory_;
  Bytes* to_ = &built_.bytes;
  std::vector<std::pair<std::string, std::uint64_t>> entries_;
};

inline BuiltZip build_zip(const ZipSpec& spec) {
  ZipBuilder builder;
  for (const ZipMember& member : spec.members)
    builder.add(member);
  return std::move(builder).finish(spec);
}

// Three members: stored, deflated, and stored with a data descriptor.
inline ZipSpec small_zip() {
  return {{{"first", bytes_of("forty-two bytes of content, more or less.")},
           {"folder/second", Bytes(5000, 'x'), true},
           {"third", bytes_of("abc"), false, true}}};
}

}  // namespace heirloom::test
