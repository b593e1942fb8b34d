#include "engine/base/output.hpp"

#include "engine/base/file_set.hpp"
#include "engine/base/system_error.hpp"
#include "engine/base/text.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

namespace heirloom::base {

namespace fs = std::filesystem;

namespace {

constexpr const char* replaced_suffix = ".replaced.partial";

fs::path with_suffix(const fs::path& path, const char* suffix) { return fs::path(path) += suffix; }

tl::unexpected<Error> refuse(const fs::path& path, std::string message) {
  return fail(Error{Code::misuse, std::move(message), no_position, path.string()});
}

// What lies under a name, links not followed.
fs::file_type type_of(const fs::path& path) {
  std::error_code ignored;
  return fs::symlink_status(path, ignored).type();
}

// Deletes a directory of regular files, not knowing what else could be in it: anything else makes it fail.
Result<void> remove_flat_directory(const fs::path& path) {
  std::error_code cause;
  for (fs::directory_iterator item(path, cause), end; !cause && item != end; item.increment(cause)) {
    if (type_of(item->path()) != fs::file_type::regular)
      return refuse(path,
                    "is not replaced: " + base::quoted(item->path().filename().string()) + " in it is no regular file");
    if (::unlink(item->path().c_str()) != 0)
      return fail(system_error(errno, "cannot delete", item->path()));
  }
  if (cause)
    return fail(system_error(cause.value(), "cannot list the directory", path));
  if (::rmdir(path.c_str()) != 0)
    return fail(system_error(errno, "cannot delete", path));
  return {};
}

bool is_model_file(const fs::path& path) {
  const fs::path suffix = path.extension();
  return path.filename() == "config.json" || suffix == ".safetensors" || suffix == ".gguf" || suffix == ".bin";
}

// Refuses a directory that does not look like a model's.
Result<void> check_replaceable(const fs::path& path) {
  std::error_code cause;
  bool is_empty = true;
  bool is_model = false;
  for (fs::directory_iterator item(path, cause), end; !cause && item != end; item.increment(cause)) {
    if (type_of(item->path()) != fs::file_type::regular)
      return refuse(path,
                    "is not replaced: " + base::quoted(item->path().filename().string()) + " in it is no regular file");
    is_empty = false;
    is_model = is_model || is_model_file(item->path());
  }
  if (cause)
    return fail(system_error(cause.value(), "cannot list the directory", path));
  if (!is_empty && !is_model)
    return refuse(path, "is not replaced: it holds neither a config.json nor weights");
  return {};
}

Result<void> check_target(const fs::path& target, Output::Kind kind, bool force) {
  const fs::file_type type = type_of(target);
  if (type == fs::file_type::not_found)
    return {};
  if (!force)
    return refuse(target, "exists already; --force replaces it");
  if (kind == Output::Kind::directory)
    return type == fs::file_type::directory ? check_replaceable(target) : refuse(target, "is not a directory");
  if (type != fs::file_type::regular && type != fs::file_type::symlink)
    return refuse(target, "is not replaced: it is no regular file");
  return {};
}

// Takes the lock of a partial file or directory; file systems without locks are taken as unlocked.
Result<void> lock(int descriptor, const fs::path& path) {
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return refuse(path, "another process is writing it");
  return {};
}

// Deletes the partial file that a killed process left, unless its process lives.
Result<void> remove_stale(const fs::path& partial) {
  const fs::file_type type = type_of(partial);
  if (type == fs::file_type::not_found)
    return {};
  if (type != fs::file_type::regular)
    return refuse(partial, "is in the way: it is no regular file");
  const int descriptor = ::open(partial.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0)
    return fail(system_error(errno, "cannot replace", partial));
  const Result<void> is_free = lock(descriptor, partial);
  ::close(descriptor);
  HEIRLOOM_CHECK(is_free);
  if (::unlink(partial.c_str()) != 0)
    return fail(system_error(errno, "cannot replace", partial));
  return {};
}

// Renames without replacing anything unless `may_replace`.
Result<void> rename_to(const fs::path& from, const fs::path& to, bool may_replace) {
  if (!may_replace) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0)
      return {};
    if (errno == EEXIST)
      return refuse(to, "has appeared while it was written; --force replaces it");
    if (errno != EINVAL && errno != ENOSYS)
      return fail(system_error(errno, "cannot rename to", to));
    if (type_of(to) != fs::file_type::not_found)
      return refuse(to, "has appeared while it was written; --force replaces it");
  }
  if (::rename(from.c_str(), to.c_str()) != 0)
    return fail(system_error(errno, "cannot rename to", to));
  return {};
}

// Room for `size` bytes beside `promised` bytes that are not yet on disk.
Result<void> check_room(const fs::path& directory, const fs::path& file, std::uint64_t size, std::uint64_t promised) {
  struct statvfs room {};
  if (::statvfs(directory.c_str(), &room) != 0)
    return fail(system_error(errno, "cannot ask for free space", directory));
  const unsigned __int128 all = static_cast<unsigned __int128>(room.f_bavail) * room.f_frsize;
  const std::uint64_t free =
      all > std::numeric_limits<std::uint64_t>::max() ? ~std::uint64_t{0} : static_cast<std::uint64_t>(all);
  const std::uint64_t left = free - std::min(free, promised);
  if (size > left)
    return fail(Error{Code::io, "no space for it: needs " + human_bytes(size) + ", has " + human_bytes(left) + " free",
                      no_position, file.string()});
  return {};
}

struct Reservation {
  int cause = 0;           // errno, 0 when it went well
  bool is_on_disk = true;  // false for a sparse file
};

// Gives the file its size, and makes room for it on disk where the file system can.
Reservation reserve(int descriptor, std::uint64_t size) {
  if (size == 0)
    return {};
  int status = 0;
  do status = ::fallocate(descriptor, 0, 0, static_cast<::off_t>(size));
  while (status != 0 && errno == EINTR);
  if (status == 0)
    return {};
  if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)
    return {errno, false};
  return {::ftruncate(descriptor, static_cast<::off_t>(size)) == 0 ? 0 : errno, false};
}

}  // namespace

Result<std::unique_ptr<Output>> Output::create(const fs::path& target, Kind kind, bool force) {
  fs::path path = target.lexically_normal();
  if (!path.has_filename())
    path = path.parent_path();
  if (!path.has_filename() || path.filename() == "." || path.filename() == "..")
    return refuse(target, "is not a name that can be written");
  const fs::path parent = path.has_parent_path() ? path.parent_path() : ".";
  std::error_code cause;
  if (!fs::is_directory(parent, cause))
    return fail(Error{Code::io,
                      "there is no such directory to write " + base::quoted(path.filename().string()) + " into",
                      no_position, parent.string()});
  HEIRLOOM_CHECK(check_target(path, kind, force));

  std::unique_ptr<Output> output(new Output());
  output->target_ = path;
  output->kind_ = kind;
  output->force_ = force;
  output->directory_ = parent;
  if (kind == Kind::directory)
    HEIRLOOM_CHECK(output->make_partial_directory());
  return output;
}

Result<void> Output::make_partial_directory() {
  const fs::path partial = with_suffix(target_, ".partial");
  const fs::file_type type = type_of(partial);
  if (type != fs::file_type::not_found) {
    const int stale = ::open(partial.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (stale < 0)
      return refuse(partial, "is in the way: it is no directory");
    const Result<void> is_free = lock(stale, partial);
    ::close(stale);
    HEIRLOOM_CHECK(is_free);
    HEIRLOOM_CHECK(remove_flat_directory(partial));
  }
  if (::mkdir(partial.c_str(), 0777) != 0)
    return fail(system_error(errno, "cannot make the directory", partial));
  directory_ = partial;
  lock_ = ::open(partial.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (lock_ < 0)
    return fail(system_error(errno, "cannot open the directory", partial));
  return lock(lock_, partial);
}

Output::~Output() {
  if (!is_committed_) {
    for (const auto& file : files_) ::unlink(file->partial_.c_str());
    if (lock_ >= 0)
      ::rmdir(directory_.c_str());
  }
  if (lock_ >= 0)
    ::close(lock_);
}

Result<void> Output::check_free(const std::string& name) const {
  return kind_ == Kind::directory ? Result<void>() : check_target(directory_ / name, kind_, force_);
}

Result<bool> Output::displace(const std::string& name) {
  HEIRLOOM_CHECK(check_relative_name(name));
  if (kind_ == Kind::directory)
    return false;
  const fs::path path = directory_ / name;
  if (type_of(path) == fs::file_type::not_found)
    return false;
  if (!force_)
    return refuse(path, "is there already, and would lie beside an output that it is not of; --force deletes it");
  HEIRLOOM_CHECK(check_target(path, kind_, force_));
  HEIRLOOM_CHECK(remove_stale(with_suffix(path, replaced_suffix)));
  displaced_.push_back(path);
  return true;
}

Result<const OutputFile*> Output::add(const std::string& name, std::uint64_t size) {
  HEIRLOOM_CHECK(check_relative_name(name));
  if (name.find('/') != name.npos)
    return fail(Code::misuse, "file name " + base::quoted(name) + " has a directory part");
  for (const auto& file : files_)
    if (file->name() == name)
      return fail(Code::misuse, "two output files have the name " + base::quoted(name));
  const bool is_directory = kind_ == Kind::directory;
  const fs::path path = (is_directory ? target_ : directory_) / name;
  if (size > static_cast<std::uint64_t>(std::numeric_limits<::off_t>::max()))
    return fail(Error{Code::limit, "a file of " + human_bytes(size) + " is too large", no_position, path.string()});
  if (!is_directory)
    HEIRLOOM_CHECK(check_target(path, kind_, force_));
  const fs::path partial = is_directory ? directory_ / name : with_suffix(path, ".partial");
  if (!is_directory)
    HEIRLOOM_CHECK(remove_stale(partial));
  HEIRLOOM_CHECK(check_room(directory_, path, size, unreserved_));

  const int descriptor = ::open(partial.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor < 0)
    return fail(system_error(errno, "cannot create", partial));
  files_.push_back(std::unique_ptr<OutputFile>(new OutputFile(name, path, partial, size, descriptor)));
  HEIRLOOM_CHECK(lock(descriptor, partial));
  const Reservation reservation = reserve(descriptor, size);
  if (reservation.cause != 0)
    return fail(files_.back()->failed(reservation.cause));
  if (!reservation.is_on_disk)
    unreserved_ += size;
  return files_.back().get();
}

Result<void> Output::commit() {
  if (is_committed_)
    return fail(Code::internal, "the output is committed twice");
  for (const auto& file : files_) HEIRLOOM_CHECK(file->sync());
  return kind_ == Kind::directory ? commit_directory() : commit_files();
}

Result<void> Output::set_displaced_aside() {
  for (const fs::path& path : displaced_)
    if (type_of(path) != fs::file_type::not_found)
      HEIRLOOM_CHECK(rename_to(path, with_suffix(path, replaced_suffix), false));
  return {};
}

void Output::put_displaced_back() {
  for (const fs::path& path : displaced_)
    static_cast<void>(rename_to(with_suffix(path, replaced_suffix), path, false));
}

Result<void> Output::commit_files() {
  if (const Result<void> aside = set_displaced_aside(); !aside) {
    put_displaced_back();
    return aside;
  }
  // A first file that is replaced goes before its shards change, so that old and new never make one set.
  if (force_ && files_.size() > 1)
    ::unlink(files_.front()->final_.c_str());
  for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
    if (const Result<void> renamed = rename_to((*file)->partial_, (*file)->final_, force_); !renamed) {
      for (auto done = files_.rbegin(); done != file; ++done) ::unlink((*done)->final_.c_str());
      put_displaced_back();
      return renamed;
    }
  }
  is_committed_ = true;
  HEIRLOOM_CHECK(sync_directory(directory_));
  for (const fs::path& path : displaced_)
    if (const fs::path aside = with_suffix(path, replaced_suffix); ::unlink(aside.c_str()) != 0 && errno != ENOENT)
      return fail(system_error(errno, "cannot delete", aside));
  return {};
}

Result<void> Output::commit_directory() {
  HEIRLOOM_CHECK(sync_directory(directory_));
  const bool is_replaced = type_of(target_) != fs::file_type::not_found;
  const fs::path aside = with_suffix(target_, replaced_suffix);
  if (is_replaced) {
    HEIRLOOM_CHECK(check_target(target_, kind_, force_));
    if (type_of(aside) != fs::file_type::not_found)
      HEIRLOOM_CHECK(remove_flat_directory(aside));
    HEIRLOOM_CHECK(rename_to(target_, aside, false));
  }
  if (const Result<void> renamed = rename_to(directory_, target_, false); !renamed) {
    if (is_replaced)
      HEIRLOOM_CHECK(rename_to(aside, target_, false));
    return renamed;
  }
  is_committed_ = true;
  HEIRLOOM_CHECK(sync_directory(target_.has_parent_path() ? target_.parent_path() : "."));
  return is_replaced ? remove_flat_directory(aside) : Result<void>();
}

Result<void> Output::sync_directory(const fs::path& directory) const {
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0)
    return fail(system_error(errno, "cannot open the directory", directory));
  const int status = ::fsync(descriptor);
  const int cause = errno;
  ::close(descriptor);
  if (status != 0 && cause != EINVAL)  // file systems that cannot sync a directory say EINVAL
    return fail(system_error(cause, "cannot sync the directory", directory));
  return {};
}

}  // namespace heirloom::base
