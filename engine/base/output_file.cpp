#include "engine/base/output.hpp"
#include "engine/base/system_error.hpp"
#include "engine/base/text.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace heirloom::base {

namespace {

constexpr std::uint64_t buffer_bytes = 1u << 20;
constexpr std::uint64_t system_copy_bytes = 1u << 30;  // of one call

}  // namespace

OutputFile::OutputFile(std::string name, std::filesystem::path final_path, std::filesystem::path partial,
                       std::uint64_t size, int descriptor)
    : name_(std::move(name)),
      final_(std::move(final_path)),
      partial_(std::move(partial)),
      size_(size),
      descriptor_(descriptor) {}

OutputFile::~OutputFile() { ::close(descriptor_); }

Error OutputFile::failed(int number) const {
  if (number == ENOSPC || number == EDQUOT)
    return {Code::io, "no space left on the device: the file needs " + human_bytes(size_), no_position,
            final_.string()};
  return system_error(number, "cannot write", final_);
}

Result<void> OutputFile::check_range(std::uint64_t offset, std::uint64_t size) const {
  if (offset > size_ || size > size_ - offset)
    return fail(Error{Code::internal,
                      "write of " + std::to_string(size) + " bytes leaves the file of " + std::to_string(size_), offset,
                      final_.string()});
  return {};
}

Result<void> OutputFile::write(std::uint64_t offset, std::span<const std::uint8_t> bytes) const {
  HEIRLOOM_CHECK(check_range(offset, bytes.size()));
  while (!bytes.empty()) {
    const ::ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<::off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return fail(failed(count < 0 ? errno : EIO));
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<void> OutputFile::copy_from(int descriptor, std::uint64_t from, std::uint64_t offset, std::uint64_t size) const {
  HEIRLOOM_CHECK(check_range(offset, size));
  while (size > 0) {
    auto source = static_cast<::off64_t>(from);
    auto target = static_cast<::off64_t>(offset);
    const ::ssize_t count =
        ::copy_file_range(descriptor, &source, descriptor_, &target, std::min(size, system_copy_bytes), 0);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0 && (errno == ENOSPC || errno == EDQUOT))
      return fail(failed(errno));
    if (count <= 0)  // the system cannot, or finds no more bytes: the buffer works or finds the true cause
      break;
    from += static_cast<std::uint64_t>(count);
    offset += static_cast<std::uint64_t>(count);
    size -= static_cast<std::uint64_t>(count);
  }
  std::vector<std::uint8_t> buffer(std::min(size, buffer_bytes));
  while (size > 0) {
    const ::ssize_t count =
        ::pread(descriptor, buffer.data(), std::min<std::uint64_t>(size, buffer.size()), static_cast<::off_t>(from));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return fail(system_error(errno, "cannot read the source of", final_));
    if (count == 0)
      return fail(
          Error{Code::io, "the source ends after " + std::to_string(from) + " bytes", no_position, final_.string()});
    const auto bytes = static_cast<std::uint64_t>(count);
    HEIRLOOM_CHECK(write(offset, std::span(buffer).first(bytes)));
    from += bytes;
    offset += bytes;
    size -= bytes;
  }
  return {};
}

Result<void> OutputFile::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
  HEIRLOOM_CHECK(check_range(offset, out.size()));
  while (!out.empty()) {
    const ::ssize_t count = ::pread(descriptor_, out.data(), out.size(), static_cast<::off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return fail(system_error(count < 0 ? errno : EIO, "cannot read back", final_));
    out = out.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

void OutputFile::write_behind(std::uint64_t offset, std::uint64_t size) const {
  ::sync_file_range(descriptor_, static_cast<::off64_t>(offset), static_cast<::off64_t>(size), SYNC_FILE_RANGE_WRITE);
}

Result<void> OutputFile::sync() const {
  if (::fsync(descriptor_) != 0)
    return fail(failed(errno));
  return {};
}

}  // namespace heirloom::base
