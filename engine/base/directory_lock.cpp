#include "engine/base/directory_lock.hpp"

#include "engine/base/text.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace heirloom::base {

namespace fs = std::filesystem;

Result<DirectoryLock> DirectoryLock::of(const fs::path& path, const Log& log) {
  std::error_code unknown;
  const fs::path directory = fs::is_directory(path, unknown) ? path : path.has_parent_path() ? path.parent_path() : fs::path(".");
  DirectoryLock lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock.descriptor_ < 0 || ::flock(lock.descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
    return lock;
  log.info("another process changes a checkpoint in " + base::quoted(directory.string()) + ": waiting until it is done");
  while (::flock(lock.descriptor_, LOCK_EX) != 0 && errno == EINTR)
    if (log.cancelled())
      return fail(Code::cancelled, "interrupted; nothing was written");
  return lock;
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

DirectoryLock::~DirectoryLock() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
}

}  // namespace heirloom::base
