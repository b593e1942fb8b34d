#include "engine/provenance/file_digests.hpp"

#include "engine/base/arena.hpp"
#include "engine/base/file_set.hpp"
#include "engine/base/system_error.hpp"
#include "engine/base/text.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

namespace heirloom::provenance {
namespace {

constexpr std::size_t read_bytes = 1u << 20;

class Descriptor {
 public:
  explicit Descriptor(int opened) : opened_(opened) {}
  ~Descriptor() {
    if (opened_ >= 0)
      ::close(opened_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return opened_; }

 private:
  int opened_;
};

struct CloseDirectory {
  void operator()(DIR* stream) const { ::closedir(stream); }
};

Error refused(const std::filesystem::path& path, std::string message) {
  return {Code::misuse, std::move(message), no_position, path.string()};
}

class Walk {
 public:
  Walk(std::filesystem::path root, const std::vector<std::string>& ignored)
      : root_(std::move(root)), ignored_(ignored.begin(), ignored.end()) {}

  Result<FileTree> run() {
    const int opened = ::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0)
      return fail(base::system_error(errno, "cannot open the directory", root_));
    HEIRLOOM_CHECK(enter(opened, "", 0));
    std::sort(tree_.files.begin(), tree_.files.end());
    std::sort(tree_.links.begin(), tree_.links.end());
    std::sort(tree_.ignored.begin(), tree_.ignored.end());
    return std::move(tree_);
  }

 private:
  // Takes over the descriptor of the directory whose entries begin with `prefix`.
  Result<void> enter(int opened, const std::string& prefix, std::size_t depth) {
    const std::unique_ptr<DIR, CloseDirectory> stream(::fdopendir(opened));
    if (stream == nullptr) {
      const int cause = errno;
      ::close(opened);
      return fail(base::system_error(cause, "cannot list the directory", root_ / prefix));
    }
    if (depth > max_tree_depth)
      return fail(refused(root_ / prefix, "lies more than " + std::to_string(max_tree_depth) + " directories deep"));
    for (errno = 0; const dirent* item = ::readdir(stream.get()); errno = 0) {
      const std::string_view entry = item->d_name;
      if (entry != "." && entry != "..")
        HEIRLOOM_CHECK(take(::dirfd(stream.get()), std::string(entry), prefix, depth));
    }
    if (errno != 0)
      return fail(base::system_error(errno, "cannot list the directory", root_ / prefix));
    return {};
  }

  Result<void> take(int directory, const std::string& entry, const std::string& prefix, std::size_t depth) {
    const std::string name = prefix + entry;
    if (ignored_.contains(name)) {
      tree_.ignored.push_back(name);
      return {};
    }
    if (!base::is_utf8(name) || !base::check_relative_name(name))
      return fail(refused(root_ / name, "its name has a backslash or is no UTF-8, which no signature can say; rename it"));
    struct stat status {};
    if (::fstatat(directory, entry.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return fail(base::system_error(errno, "cannot look at", root_ / name));
    if (S_ISREG(status.st_mode) || S_ISLNK(status.st_mode)) {
      if (tree_.files.size() + tree_.links.size() == max_tree_files)
        return fail(refused(root_, "holds more than " + std::to_string(max_tree_files) + " files"));
      (S_ISREG(status.st_mode) ? tree_.files : tree_.links).push_back(name);
      return {};
    }
    if (!S_ISDIR(status.st_mode))
      return fail(refused(root_ / name, "is neither a file nor a directory"));
    const int opened = ::openat(directory, entry.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (opened < 0)
      return fail(base::system_error(errno, "cannot open the directory", root_ / name));
    return enter(opened, name + "/", depth + 1);
  }

  std::filesystem::path root_;
  std::set<std::string, std::less<>> ignored_;
  FileTree tree_;
};

// What the workers share. The first error stops all.
struct Hashing {
  const std::filesystem::path& root;
  const base::Log& log;
  std::vector<std::size_t> order;   // of files, the largest first, so that no core ends with it alone
  std::uint64_t total = 0;
  std::atomic<std::size_t> next{0};
  std::atomic<std::uint64_t> done{0};
  std::atomic<bool> is_stopped{false};
  std::mutex mutex{};
  std::optional<Error> error{};

  void stop(Error cause) {
    const std::lock_guard lock(mutex);
    if (!error)
      error = std::move(cause);
    is_stopped = true;
  }
};

Result<base::Digest> hash_file(Hashing& work, const std::string& name, std::vector<std::uint8_t>& buffer) {
  const std::filesystem::path path = work.root / name;
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0)
    return fail(base::system_error(errno, "cannot open", path));
  if (!S_ISREG(status.st_mode))
    return fail(refused(path, "is no regular file"));
  ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  base::Sha256 digest;
  while (true) {
    const ::ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return fail(base::system_error(errno, "cannot read", path));
    if (count == 0)
      return digest.finish();
    digest.update(std::span(buffer).first(static_cast<std::size_t>(count)));
    work.log.report(std::min(work.done += static_cast<std::uint64_t>(count), work.total), work.total);
    if (work.is_stopped || work.log.cancelled())
      return fail(Code::cancelled, "cancelled");
  }
}

void hash_some(Hashing& work, const std::vector<std::string>& names, std::vector<NamedDigest>& digests) {
  std::vector<std::uint8_t> buffer(read_bytes);
  while (!work.is_stopped) {
    const std::size_t i = work.next++;
    if (i >= work.order.size())
      return;
    const std::size_t file = work.order[i];
    auto digest = hash_file(work, names[file], buffer);
    if (!digest)
      return work.stop(std::move(digest.error()));
    digests[file] = {names[file], *digest};
  }
}

}  // namespace

Result<FileTree> list_tree(const std::filesystem::path& root, const std::vector<std::string>& ignored) {
  return Walk(root, ignored).run();
}

Result<std::vector<NamedDigest>> hash_files(const std::filesystem::path& root, const std::vector<std::string>& names,
                                            std::size_t threads, const base::Log& log) {
  Hashing work{root, log, {}};
  std::vector<std::uint64_t> sizes(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    struct stat status {};
    if (::lstat((root / names[i]).c_str(), &status) == 0)
      sizes[i] = static_cast<std::uint64_t>(status.st_size);
    work.total += sizes[i];
    work.order.push_back(i);
  }
  std::stable_sort(work.order.begin(), work.order.end(), [&](std::size_t a, std::size_t b) { return sizes[a] > sizes[b]; });
  std::vector<NamedDigest> digests(names.size());
  const std::size_t wanted = threads == 0 ? base::default_threads() : threads;
  base::run_workers(std::max<std::size_t>(1, std::min(wanted, names.size())),
                    [&](std::size_t) { hash_some(work, names, digests); });
  if (work.error)
    return fail(std::move(*work.error));
  return digests;
}

}  // namespace heirloom::provenance
