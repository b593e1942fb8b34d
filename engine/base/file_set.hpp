// FileSet: the files that one checkpoint may read: one directory and what lies below it, by safe relative name.
// Descriptors are opened once and kept; reads are positional. Usable from any thread; owner of the descriptors.
#pragma once

#include "heirloom/result.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::base {

// An error unless `name` is relative and has no empty, "." or ".." part, no backslash and no NUL.
Result<void> check_relative_name(std::string_view name);

class FileSet {
 public:
  // A directory, or a regular file (the directory is then its parent, and `primary` its name). Symbolic links are
  // followed. An error names the path.
  static Result<std::unique_ptr<FileSet>> open(const std::filesystem::path& path);
  ~FileSet();
  FileSet(const FileSet&) = delete;
  FileSet& operator=(const FileSet&) = delete;

  const std::filesystem::path& root() const { return root_; }
  const std::string& primary() const { return primary_; }           // "" for a directory
  const std::vector<std::string>& names() const { return names_; }  // regular files in the root, in byte order
  std::string display(std::string_view name) const;                 // path for people

  bool has(std::string_view name) const;
  // False only when the directory has no such entry; a broken link or a file without permission exists.
  Result<bool> exists(std::string_view name) const;
  Result<std::uint64_t> size(std::string_view name) const;
  // Fills `out` from byte `offset`; io when the file ends before or the disk fails.
  Result<void> read(std::string_view name, std::uint64_t offset, std::span<std::uint8_t> out) const;
  Result<std::vector<std::uint8_t>> read_all(std::string_view name, std::uint64_t limit) const;
  // An open descriptor, owned by the set.
  Result<int> descriptor(std::string_view name) const;
  // Tells the system that these bytes will be read soon.
  void will_need(std::string_view name, std::uint64_t offset, std::uint64_t size) const;

 private:
  struct Entry;
  FileSet() = default;
  Result<const Entry*> entry(std::string_view name) const;

  std::filesystem::path root_;
  std::string primary_;
  std::vector<std::string> names_;
  std::unique_ptr<Entry> directory_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries_;
};

}  // namespace heirloom::base
