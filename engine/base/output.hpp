// Output that appears under its final name only when it is whole. Files are written as "<name>.partial" beside their
// final names (a directory as "<directory>.partial"), synced to disk, and renamed by commit(). Without commit the
// destructor removes them; a killed process leaves only ".partial" names, which the next run replaces. Two processes
// never write the same output: partial files are locked.
// Writes to different ranges may come from different threads; create, add and commit from one.
#pragma once

#include "heirloom/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace heirloom::base {

class OutputFile {
 public:
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  const std::string& name() const { return name_; }
  std::uint64_t size() const { return size_; }

  // All of `bytes` at `offset`, which lies within the size given to add(). io names the file and the cause.
  Result<void> write(std::uint64_t offset, std::span<const std::uint8_t> bytes) const;
  // `size` bytes of another file, by copy_file_range where the system can, else through a buffer of 1 MiB.
  Result<void> copy_from(int descriptor, std::uint64_t from, std::uint64_t offset, std::uint64_t size) const;
  // What was written, to digest it.
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const;
  // Starts writing a finished range to disk without waiting.
  void write_behind(std::uint64_t offset, std::uint64_t size) const;

 private:
  friend class Output;
  OutputFile(std::string name, std::filesystem::path final_path, std::filesystem::path partial, std::uint64_t size,
             int descriptor);
  Result<void> sync() const;
  Error failed(int number) const;
  Result<void> check_range(std::uint64_t offset, std::uint64_t size) const;

  std::string name_;
  std::filesystem::path final_;
  std::filesystem::path partial_;
  std::uint64_t size_;
  int descriptor_;
};

class Output {
 public:
  enum class Kind { file, directory };

  // Kind::file: files are written beside `target`, whose own name need not be among them (shards). Kind::directory:
  // all files go into the directory `target`. A target that exists is refused (misuse) without `force`. With `force` a
  // file is replaced, a directory only when it is empty, or every entry in it is a regular file and one of them is a
  // config.json or a weight file (.safetensors, .gguf, .bin): never somebody's home.
  static Result<std::unique_ptr<Output>> create(const std::filesystem::path& target, Kind kind, bool force);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // A new file of `size` bytes, all zero. `name` has no directory part; existing final names are refused without
  // force. Checks beforehand that the file system has room. The file belongs to the output.
  Result<const OutputFile*> add(const std::string& name, std::uint64_t size);
  // The error that add() would give for this name, before its size is known.
  Result<void> check_free(const std::string& name) const;
  // A file that only belongs to what is replaced: refused without force; with it, commit() takes it away, so that it never
  // lies beside the new files. Gives whether there is one. Of a directory, which is replaced whole, nothing is to be done.
  Result<bool> displace(const std::string& name);
  // Syncs everything and renames: shards before the first file, so that no reader finds a set half done. A directory
  // or displaced file that is replaced is first renamed to "<name>.replaced.partial", and deleted when the new ones are in
  // place.
  Result<void> commit();

 private:
  Output() = default;
  Result<void> make_partial_directory();
  Result<void> commit_files();
  Result<void> commit_directory();
  Result<void> set_displaced_aside();
  void put_displaced_back();
  Result<void> sync_directory(const std::filesystem::path& directory) const;

  std::filesystem::path target_;
  std::filesystem::path directory_;  // where partial files lie
  int lock_ = -1;                    // descriptor of a partial directory
  std::uint64_t unreserved_ = 0;     // bytes of files whose room the file system does not hold for us
  Kind kind_ = Kind::file;
  bool force_ = false;
  bool is_committed_ = false;
  std::vector<std::unique_ptr<OutputFile>> files_;
  std::vector<std::filesystem::path> displaced_;
};

}  // namespace heirloom::base
