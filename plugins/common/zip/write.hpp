// The bytes of a zip archive around its payloads: local headers, and the directory that ends it
// (formats/facts/zip.md#structure). Their length depends on names, sizes and places alone, so that a layout can be planned
// before any CRC-32 is known. Pure functions that append to `out`; names are UTF-8.
#pragma once

#include "heirloom/result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::zip {

// What a program writes into its records that says nothing about the members.
struct Style {
  std::uint16_t made_by = 0;      // of an entry
  std::uint16_t needed = 0;       // version to read an entry
  std::uint16_t needed64 = 0;     // the least of both for an entry with a zip64 field
  std::uint16_t end64_made_by = 0;
  std::uint16_t date = 0;         // MS-DOS
  std::uint32_t attributes = 0;   // of files outside the archive
  std::uint64_t largest32 = 0;    // a size or offset beyond it goes into a zip64 field
  bool always_has_end64 = false;
};

// Python's zipfile, which NumPy uses: Unix, version 2.0, 1 January 1980, files of mode 600.
inline constexpr Style python_style = {0x0314, 20, 45, 45, 0x21, 0x0180'0000, 0x7fff'ffff, false};
// PyTorch's miniz.
inline constexpr Style torch_style = {0, 0, 0, 0x031e, 0, 0, 0xffff'fffe, true};

// A stored member.
struct Outgoing {
  std::string name;
  std::uint64_t size = 0;
  std::uint64_t header = 0;  // byte where its local header begins
  std::uint32_t crc32 = 0;
  std::uint16_t flags = 0;
};

// Byte of a local header or of a directory entry where its CRC-32 stands.
inline constexpr std::uint64_t local_crc_at = 14;

// Bytes of a local header without extra fields.
inline std::uint64_t local_bytes_of(const std::string& name) { return 30 + name.size(); }

// A local header up to its name: CRC-32 and sizes are zero when the flags say that they follow the payload.
void append_local(std::vector<std::uint8_t>& out, const Style& style, const Outgoing& member, std::uint64_t extra_size);
// A zip64 extra field with these numbers; nothing when there are none.
void append_zip64(std::vector<std::uint8_t>& out, std::span<const std::uint64_t> numbers);
// All entries, and the records that end the archive. `begin` is the byte where the directory begins.
void append_directory(std::vector<std::uint8_t>& out, const Style& style, const std::vector<Outgoing>& members,
                      std::uint64_t begin);

// Little endian, `size` bytes.
void append_number(std::vector<std::uint8_t>& out, std::uint64_t value, int size);

// CRC-32 of two runs of bytes one after the other.
std::uint32_t crc32_combine(std::uint32_t first, std::uint32_t second, std::uint64_t second_size);

bool is_utf8(std::string_view text);

// An error unless a reader of this component takes the name: no "..", no backslash, UTF-8, not too long.
Result<void> check_outgoing_name(const std::string& name);

}  // namespace heirloom::zip
