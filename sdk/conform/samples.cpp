#include "samples.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace heirloom::conform {
namespace {

namespace fs = std::filesystem;

auto io_error(const std::string& path, const std::string& why) {
  return fail(Error{Code::io, "cannot read \"" + path + "\": " + why, no_position, path});
}

Result<void> add_file(const fs::path& path, const std::string& name, Sample& sample) {
  HEIRLOOM_TRY(const auto bytes, map_file(path.string()));
  sample.files.emplace(name, bytes);
  return {};
}

}  // namespace

Result<std::span<const std::uint8_t>> map_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return io_error(path, std::strerror(errno));
  struct stat info = {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    return io_error(path, "not a regular file");
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  void* const bytes = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  const int map_error = errno;
  ::close(fd);
  if (bytes == MAP_FAILED)
    return io_error(path, std::strerror(map_error));
  return std::span<const std::uint8_t>(static_cast<const std::uint8_t*>(bytes), size);
}

bool is_directory(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

Result<std::vector<std::string>> files_in(const std::string& path) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    if (it->is_regular_file(error))
      names.push_back(it->path().filename().string());
  if (error)
    return io_error(path, error.message());
  std::sort(names.begin(), names.end());
  return names;
}

Result<Sample> sample_of_file(const std::string& path) {
  const fs::path file = fs::absolute(path);
  Sample sample;
  sample.name = sample.primary = file.filename().string();
  HEIRLOOM_TRY(const auto names, files_in(file.parent_path().string()));
  for (const std::string& name : names)
    if (const auto added = add_file(file.parent_path() / name, name, sample); !added && name == sample.primary)
      return fail(added.error());
  if (!sample.files.contains(sample.primary))
    return io_error(path, "not a regular file");
  return sample;
}

Result<Sample> sample_of_directory(const std::string& path) {
  std::error_code error;
  Sample sample;
  sample.name = fs::absolute(path).lexically_normal().filename().string();
  if (sample.name.empty())
    sample.name = fs::absolute(path).lexically_normal().parent_path().filename().string();
  for (fs::recursive_directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    if (it->is_regular_file(error))
      HEIRLOOM_CHECK(add_file(it->path(), it->path().lexically_relative(path).generic_string(), sample));
  if (error)
    return io_error(path, error.message());
  return sample;
}

}  // namespace heirloom::conform
