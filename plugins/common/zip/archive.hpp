// A zip archive as a plugin sees it: the members by name, and where in the file their bytes lie. An archive may be a part
// of another file. Everything is checked when it is opened (formats/facts/zip.md#rules), so that a member's place can be
// trusted: stored members become extents that the host reads itself. Values own their memory; the archive refers to the
// host's files and lives no longer than they do. Constant once open: usable from any thread.
#pragma once

#include "heirloom/files.hpp"
#include "heirloom/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::zip {

// Bytes of a file.
struct Range {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct Member {
  std::string name;               // relative, "/" between its parts; valid UTF-8
  std::uint64_t offset = 0;       // of the first byte of its payload, in the file that the archive is (a part) of
  std::uint64_t stored_size = 0;  // bytes of the payload as it lies
  std::uint64_t size = 0;         // bytes of the content; stored_size unless deflated
  std::uint32_t crc32 = 0;        // of the content
  bool is_deflated = false;
  std::uint64_t header = 0;       // byte of the file where its local header begins: where errors point to
};

// Limits on what an archive may ask for.
inline constexpr std::uint64_t max_members = 1u << 20;
inline constexpr std::uint64_t max_directory_bytes = 256u << 20;
inline constexpr std::uint64_t max_name_bytes = 4096;
// Deflate's shortest code says 258 bytes in two bits; content beyond this many bytes per byte is a lie.
inline constexpr std::uint64_t max_deflate_ratio = 1032;

// Whether the bytes at `offset` of a file begin a zip archive (a local header, or the end of an empty archive).
Result<bool> looks_like_zip(const Files& files, const std::string& file, std::uint64_t offset = 0);

class Archive {
 public:
  // The archive that fills `range` of a file; refused unless it is all of it, from a first local header on.
  static Result<Archive> open(const Files& files, std::string file, Range range);
  static Result<Archive> open(const Files& files, std::string file);  // the whole file

  // In the order of the directory; folders are checked and left out.
  const std::vector<Member>& members() const { return members_; }
  // The member of this name, or null.
  const Member* find(std::string_view name) const;

  // The whole content of a member of at most `limit` bytes; its CRC is verified.
  Result<std::vector<std::uint8_t>> read(const Member& member, std::uint64_t limit) const;
  // The same for the member of this name; an error when there is none.
  Result<std::vector<std::uint8_t>> read(std::string_view name, std::uint64_t limit) const;

  const Files& files() const { return files_; }
  const std::string& file() const { return file_; }

 private:
  Archive(const Files& files, std::string file) : files_(files), file_(std::move(file)) {}
  Result<void> index();

  Files files_;
  std::string file_;
  std::vector<Member> members_;
  std::vector<std::uint32_t> by_name_;  // indexes into members_, in byte order of the names
};

}  // namespace heirloom::zip
