#include "engine/base/file_set.hpp"

#include "engine/base/system_error.hpp"
#include "engine/base/text.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace heirloom::base {

struct FileSet::Entry {
  int descriptor = -1;
  std::uint64_t size = 0;

  explicit Entry(int opened) : descriptor(opened) {}
  ~Entry() { ::close(descriptor); }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
};

Result<void> check_relative_name(std::string_view name) {
  const auto refuse = [&](const char* why) {
    return fail(Code::misuse, "file name " + base::quoted(name) + " " + why);
  };
  if (name.empty())
    return fail(Code::misuse, "file name is empty");
  if (name[0] == '/')
    return refuse("is absolute");
  if (name.find('\\') != name.npos || name.find('\0') != name.npos)
    return refuse("has a backslash or a NUL");
  for (std::size_t start = 0; start <= name.size();) {
    const std::size_t end = std::min(name.find('/', start), name.size());
    const std::string_view part = name.substr(start, end - start);
    if (part.empty() || part == "." || part == "..")
      return refuse("has an empty, \".\" or \"..\" part");
    start = end + 1;
  }
  return {};
}

namespace {

// Names of the regular files in an open directory, links followed.
Result<std::vector<std::string>> list_files(int directory, const std::filesystem::path& path) {
  const int copy = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* stream = copy < 0 ? nullptr : ::fdopendir(copy);
  if (stream == nullptr) {
    const int cause = errno;
    if (copy >= 0)
      ::close(copy);
    return fail(system_error(cause, "cannot list the directory", path));
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* item = ::readdir(stream)) {
    struct stat status {};
    const std::string name = item->d_name;
    if (check_relative_name(name) && ::fstatat(directory, name.c_str(), &status, 0) == 0 && S_ISREG(status.st_mode))
      names.push_back(name);
    errno = 0;
  }
  const int cause = errno;
  ::closedir(stream);
  if (cause != 0)
    return fail(system_error(cause, "cannot list the directory", path));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Result<std::unique_ptr<FileSet>> FileSet::open(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    return fail(system_error(errno, "cannot open", path));
  std::unique_ptr<FileSet> set(new FileSet());
  if (S_ISDIR(status.st_mode)) {
    set->root_ = path;
  } else if (S_ISREG(status.st_mode)) {
    set->root_ = path.has_parent_path() ? path.parent_path() : ".";
    set->primary_ = path.filename().string();
    HEIRLOOM_CHECK(check_relative_name(set->primary_));
  } else {
    return fail(Error{Code::misuse, "neither a regular file nor a directory", no_position, path.string()});
  }
  const int directory = ::open(set->root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    return fail(system_error(errno, "cannot open the directory", set->root_));
  set->directory_ = std::make_unique<Entry>(directory);
  HEIRLOOM_TRY(set->names_, list_files(directory, set->root_));
  if (!set->primary_.empty())
    HEIRLOOM_CHECK(set->entry(set->primary_));
  return set;
}

FileSet::~FileSet() = default;

std::string FileSet::display(std::string_view name) const {
  if (name.empty())
    return root_.string();
  return root_ == "." ? std::string(name) : (root_ / name).string();
}

Result<const FileSet::Entry*> FileSet::entry(std::string_view name) const {
  HEIRLOOM_CHECK(check_relative_name(name));
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(name); found != entries_.end())
    return found->second.get();
  // O_NONBLOCK: opening a FIFO does not wait for its other end.
  const std::string key(name);
  const int descriptor = ::openat(directory_->descriptor, key.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0)
    return fail(system_error(errno, "cannot open", display(name)));
  auto opened = std::make_unique<Entry>(descriptor);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0)
    return fail(system_error(errno, "cannot open", display(name)));
  if (!S_ISREG(status.st_mode))
    return fail(Error{Code::io, "not a regular file", no_position, display(name)});
  opened->size = static_cast<std::uint64_t>(status.st_size);
  return entries_.emplace(key, std::move(opened)).first->second.get();
}

bool FileSet::has(std::string_view name) const { return entry(name).has_value(); }

Result<bool> FileSet::exists(std::string_view name) const {
  HEIRLOOM_CHECK(check_relative_name(name));
  const std::string key(name);
  struct stat status {};
  if (::fstatat(directory_->descriptor, key.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
    return true;
  if (errno == ENOENT)
    return false;
  return fail(system_error(errno, "cannot open", display(name)));
}

Result<std::uint64_t> FileSet::size(std::string_view name) const {
  HEIRLOOM_TRY(const Entry* file, entry(name));
  return file->size;
}

Result<int> FileSet::descriptor(std::string_view name) const {
  HEIRLOOM_TRY(const Entry* file, entry(name));
  return file->descriptor;
}

Result<void> FileSet::read(std::string_view name, std::uint64_t offset, std::span<std::uint8_t> out) const {
  HEIRLOOM_TRY(const Entry* file, entry(name));
  if (offset > file->size || out.size() > file->size - offset)
    return fail(Error{Code::io,
                      "the file ends after " + std::to_string(file->size) + " bytes, but " +
                          std::to_string(out.size()) + " bytes from byte " + std::to_string(offset) + " are wanted",
                      offset, display(name)});
  while (!out.empty()) {
    const ::ssize_t count = ::pread(file->descriptor, out.data(), out.size(), static_cast<::off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0) {
      Error error = system_error(errno, "cannot read", display(name));
      error.position = offset;
      return fail(std::move(error));
    }
    if (count == 0)
      return fail(Error{Code::io, "the file has become shorter while it is read", offset, display(name)});
    out = out.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<std::vector<std::uint8_t>> FileSet::read_all(std::string_view name, std::uint64_t limit) const {
  HEIRLOOM_TRY(const std::uint64_t bytes, size(name));
  if (bytes > limit)
    return fail(Error{Code::limit, (human_bytes(bytes) == human_bytes(limit) ? "file of " + std::to_string(bytes) + " bytes" : "file of " + human_bytes(bytes)) +
                                       " exceeds the limit of " + human_bytes(limit),
                      no_position, display(name)});
  std::vector<std::uint8_t> content(bytes);
  HEIRLOOM_CHECK(read(name, 0, content));
  return content;
}

void FileSet::will_need(std::string_view name, std::uint64_t offset, std::uint64_t size) const {
  if (const auto file = entry(name); file && offset < (*file)->size)
    ::posix_fadvise((*file)->descriptor, static_cast<::off_t>(offset),
                    static_cast<::off_t>(std::min(size, (*file)->size - offset)), POSIX_FADV_WILLNEED);
}

}  // namespace heirloom::base
