// One process at a time changes a checkpoint: whoever reads it to write it anew holds the lock of its directory from before
// the reading until all is written. The lock is the system's (flock on the directory), so no process that died leaves one, and
// files are written and locked by themselves meanwhile. Two locks of one directory exclude each other in one process, too.
#pragma once

#include "engine/base/log.hpp"
#include "heirloom/result.hpp"

#include <filesystem>

namespace heirloom::base {

class DirectoryLock {
 public:
  // Waits while another has it, and says so. A file system without locks, or a directory that cannot be opened, is taken as
  // unlocked: what cannot be written fails by itself. `path` is a checkpoint: a directory, or a file in one.
  static Result<DirectoryLock> of(const std::filesystem::path& path, const Log& log);

  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace heirloom::base
