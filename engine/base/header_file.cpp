#include "engine/base/header_file.hpp"

#include "engine/base/digest.hpp"
#include "engine/base/system_error.hpp"
#include "engine/base/text.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace heirloom::base {
namespace {

namespace fs = std::filesystem;

using Bytes = std::vector<std::uint8_t>;

constexpr std::string_view magic = "HLMHDR1\n";
constexpr std::uint64_t max_header_bytes = 1ull << 30;
constexpr std::size_t prefix_bytes = 24;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  ~Descriptor() {
    if (number_ >= 0)
      ::close(number_);
  }
  int get() const { return number_; }

 private:
  int number_;
};

Result<Descriptor> open_file(const fs::path& path, int flags, const char* what) {
  const int number = ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (number < 0)
    return fail(system_error(errno, what, path));
  return Descriptor(number);
}

Result<std::uint64_t> size_of(const Descriptor& file, const fs::path& path) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0)
    return fail(system_error(errno, "cannot look at", path));
  if (!S_ISREG(status.st_mode))
    return fail(Error{Code::misuse, "is no regular file", no_position, path.string()});
  return static_cast<std::uint64_t>(status.st_size);
}

Result<Bytes> read_start(const Descriptor& file, const fs::path& path, std::uint64_t size) {
  Bytes bytes(size);
  for (std::uint64_t done = 0; done < size;) {
    const ::ssize_t count = ::pread(file.get(), bytes.data() + done, size - done, static_cast<::off_t>(done));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return fail(system_error(count < 0 ? errno : EIO, "cannot read", path));
    done += static_cast<std::uint64_t>(count);
  }
  return bytes;
}

Result<void> write_start(const Descriptor& file, const fs::path& path, std::span<const std::uint8_t> bytes) {
  for (std::uint64_t done = 0; done < bytes.size();) {
    const ::ssize_t count = ::pwrite(file.get(), bytes.data() + done, bytes.size() - done, static_cast<::off_t>(done));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return fail(system_error(count < 0 ? errno : EIO, "cannot write", path));
    done += static_cast<std::uint64_t>(count);
  }
  if (::fsync(file.get()) != 0)
    return fail(system_error(errno, "cannot write", path));
  return {};
}

fs::path directory_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

Result<void> sync_directory(const fs::path& path) {
  HEIRLOOM_TRY(const Descriptor directory, open_file(directory_of(path) / ".", O_RDONLY | O_DIRECTORY, "cannot open the directory of"));
  if (::fsync(directory.get()) != 0 && errno != EINVAL)  // file systems that cannot sync a directory say EINVAL
    return fail(system_error(errno, "cannot sync the directory of", path));
  return {};
}

Result<void> remove_backup(const fs::path& backup) {
  if (::unlink(backup.c_str()) != 0)
    return fail(system_error(errno, "cannot delete", backup));
  return sync_directory(backup);
}

Result<Descriptor> open_locked(const fs::path& file) {
  HEIRLOOM_TRY(Descriptor opened, open_file(file, O_RDWR, "cannot write"));
  if (::flock(opened.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return fail(Error{Code::misuse, "another process is writing it", no_position, file.string()});
  return opened;
}

void put_u64(Bytes& out, std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift));
}
std::uint64_t get_u64(const Bytes& bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;)
    value = value << 8 | bytes[at + i];
  return value;
}

Bytes backup_of(std::uint64_t file_size, const Bytes& old) {
  Bytes out(magic.begin(), magic.end());
  put_u64(out, file_size);
  put_u64(out, old.size());
  out.insert(out.end(), old.begin(), old.end());
  const Digest digest = sha256(out);
  out.insert(out.end(), digest.begin(), digest.end());
  return out;
}

bool is_whole(const Bytes& backup) {
  constexpr std::size_t digest_bytes = sizeof(Digest);
  if (backup.size() < prefix_bytes + digest_bytes || std::memcmp(backup.data(), magic.data(), magic.size()) != 0 ||
      get_u64(backup, 16) != backup.size() - prefix_bytes - digest_bytes)
    return false;
  const auto content = std::span(backup).first(backup.size() - digest_bytes);
  const Digest digest = sha256(content);
  return std::memcmp(digest.data(), backup.data() + content.size(), digest.size()) == 0;
}

Result<void> write_backup(const fs::path& backup, std::uint64_t file_size, const Bytes& old) {
  auto file = open_file(backup, O_WRONLY | O_CREAT | O_EXCL, "cannot create");
  if (!file)
    return fail(std::move(file).error());
  auto written = write_start(*file, backup, backup_of(file_size, old));
  if (written)
    written = sync_directory(backup);
  if (!written)
    ::unlink(backup.c_str());
  return written;
}

}  // namespace

fs::path header_backup(const fs::path& file) { return fs::path(file) += ".header.partial"; }

std::optional<std::string> shared_name_of(const fs::path& file) {
  struct stat status {};
  if (::lstat(file.c_str(), &status) != 0)
    return std::nullopt;  // opening it says why
  if (S_ISLNK(status.st_mode))
    return "it is a link to a file that others may use";
  return status.st_nlink > 1 ? std::optional<std::string>("it has another name, which would change with it") : std::nullopt;
}

Result<void> check_writable(const fs::path& file) {
  if (::access(file.c_str(), W_OK) != 0)
    return fail(system_error(errno, "cannot be changed", file));
  if (::access(directory_of(file).c_str(), W_OK) != 0)
    return fail(system_error(errno, "cannot write into the directory", directory_of(file)));
  return {};
}

Result<bool> restore_header(const fs::path& file) {
  const fs::path backup = header_backup(file);
  std::error_code ignored;
  if (fs::symlink_status(backup, ignored).type() == fs::file_type::not_found)
    return false;
  HEIRLOOM_TRY(const Descriptor target, open_locked(file));
  HEIRLOOM_TRY(const std::uint64_t file_size, size_of(target, file));
  HEIRLOOM_TRY(const Descriptor saved, open_file(backup, O_RDONLY, "cannot read"));
  HEIRLOOM_TRY(const std::uint64_t size, size_of(saved, backup));
  if (size > max_header_bytes)
    return fail(Error{Code::limit, "is too large for a backup; look at it, and delete it", no_position, backup.string()});
  HEIRLOOM_TRY(const Bytes bytes, read_start(saved, backup, size));
  if (!is_whole(bytes)) {
    HEIRLOOM_CHECK(remove_backup(backup));
    return false;
  }
  const auto old = std::span(bytes).subspan(prefix_bytes, get_u64(bytes, 16));
  if (get_u64(bytes, 8) != file_size || old.size() > file_size)
    return fail(Error{Code::misuse, "is the backup of a file of " + std::to_string(get_u64(bytes, 8)) + " bytes, but " +
                                        base::quoted(file.filename().string()) + " has " + std::to_string(file_size) +
                                        "; delete it if the file is another one", no_position, backup.string()});
  HEIRLOOM_CHECK(write_start(target, file, old));
  HEIRLOOM_CHECK(remove_backup(backup));
  return true;
}

Result<void> replace_header(const fs::path& file, std::span<const std::uint8_t> bytes) {
  const fs::path backup = header_backup(file);
  HEIRLOOM_TRY(const Descriptor target, open_locked(file));
  HEIRLOOM_TRY(const std::uint64_t file_size, size_of(target, file));
  if (bytes.size() > file_size)
    return fail(Error{Code::internal, "a header of " + std::to_string(bytes.size()) + " bytes does not fit", no_position, file.string()});
  HEIRLOOM_TRY(const Bytes old, read_start(target, file, bytes.size()));
  HEIRLOOM_CHECK(write_backup(backup, file_size, old));
  if (auto written = write_start(target, file, bytes); !written) {
    if (write_start(target, file, old))
      HEIRLOOM_CHECK(remove_backup(backup));
    return written;
  }
  return remove_backup(backup);
}

}  // namespace heirloom::base
