// The directory that ends a zip archive, read and checked by itself: where the archive ends, what its entries say. What the
// local headers say is checked by archive.cpp. Positions are bytes of the file, not of the archive.
#pragma once

#include "plugins/common/zip/archive.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace heirloom::zip {

// Signatures of the records (formats/facts/zip.md#structure).
inline constexpr std::uint32_t local_signature = 0x04034b50;
inline constexpr std::uint32_t entry_signature = 0x02014b50;
inline constexpr std::uint32_t end_signature = 0x06054b50;
inline constexpr std::uint32_t end64_signature = 0x06064b50;
inline constexpr std::uint32_t locator_signature = 0x07064b50;

// Bytes of their fixed parts.
inline constexpr std::uint64_t local_bytes = 30;
inline constexpr std::uint64_t entry_bytes = 46;
inline constexpr std::uint64_t end_bytes = 22;
inline constexpr std::uint64_t end64_bytes = 56;
inline constexpr std::uint64_t locator_bytes = 20;

inline constexpr std::uint16_t method_stored = 0;
inline constexpr std::uint16_t method_deflated = 8;
inline constexpr std::uint16_t flag_encrypted = 1u << 0;
inline constexpr std::uint16_t flag_descriptor = 1u << 3;  // CRC and sizes follow the payload
inline constexpr std::uint16_t flag_utf8 = 1u << 11;

// Little-endian numbers at an index that the caller has checked.
inline std::uint16_t u16_at(const std::uint8_t* bytes, std::uint64_t index) {
  return static_cast<std::uint16_t>(bytes[index] | bytes[index + 1] << 8);
}
inline std::uint32_t u32_at(const std::uint8_t* bytes, std::uint64_t index) {
  return u16_at(bytes, index) | std::uint32_t{u16_at(bytes, index + 2)} << 16;
}
inline std::uint64_t u64_at(const std::uint8_t* bytes, std::uint64_t index) {
  return u32_at(bytes, index) | std::uint64_t{u32_at(bytes, index + 4)} << 32;
}

// Sizes of an entry or a local header, with those of the zip64 extra field where the fixed ones are full.
struct Sizes {
  std::uint64_t size = 0;
  std::uint64_t stored_size = 0;
  std::uint64_t header = 0;  // of an entry: bytes from the start of the archive
};
// Fills in what is 0xffffffff; `at` is the file's byte of the extra fields.
Result<Sizes> widen(Sizes sizes, std::span<const std::uint8_t> extra, std::uint64_t at, bool is_local);

struct Entry {
  Member member;              // its payload offset is not known yet; `header` is a byte of the file
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint64_t position = 0;  // byte of the file where the entry begins
};

struct Directory {
  std::vector<Entry> entries;
  std::uint64_t begin = 0;  // byte of the file
};

Result<Directory> read_directory(const Files& files, const std::string& file, Range range);

}  // namespace heirloom::zip
