#include "engine/provenance/key_file.hpp"

#include "engine/base/file_set.hpp"
#include "engine/base/system_error.hpp"
#include "engine/base/text.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace heirloom::provenance {
namespace {

namespace fs = std::filesystem;

// `parse` of a file's text, with the file's name in its error.
template <class Parse>
auto read_as(const fs::path& path, std::uint64_t limit, Parse parse) -> decltype(parse(std::string())) {
  HEIRLOOM_TRY(const std::string text, read_text_file(path, limit));
  auto parsed = parse(text);
  if (!parsed)
    return fail(std::move(parsed.error()).in_file(path.string()));
  return parsed;
}

// A new file, written and synced; deleted again when that fails.
Result<void> write_new(const fs::path& path, std::string_view text, ::mode_t mode) {
  const int opened = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (opened < 0 && errno == EEXIST)
    return fail(Error{Code::misuse, "exists already; a key is never replaced", no_position, path.string()});
  if (opened < 0)
    return fail(base::system_error(errno, "cannot create", path));
  int cause = ::fchmod(opened, mode) == 0 ? 0 : errno;
  while (cause == 0 && !text.empty()) {
    const ::ssize_t count = ::write(opened, text.data(), text.size());
    if (count >= 0)
      text.remove_prefix(static_cast<std::size_t>(count));
    else if (errno != EINTR)
      cause = errno;
  }
  if (cause == 0 && ::fsync(opened) != 0)
    cause = errno;
  if (::close(opened) != 0 && cause == 0)
    cause = errno;
  if (cause == 0)
    return {};
  ::unlink(path.c_str());
  return fail(base::system_error(cause, "cannot write", path));
}

}  // namespace

Result<std::string> read_text_file(const fs::path& path, std::uint64_t limit) {
  HEIRLOOM_TRY(const auto files, base::FileSet::open(path));
  if (files->primary().empty())
    return fail(Error{Code::misuse, "is a directory, not a file", no_position, path.string()});
  HEIRLOOM_TRY(const auto bytes, files->read_all(files->primary(), limit));
  return std::string(bytes.begin(), bytes.end());
}

Result<PrivateKey> read_private_key(const fs::path& path, const std::string& password, const base::Log& log) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & (S_IRGRP | S_IROTH)) != 0)
    log.warn(path.string() + ": others may read this private key; chmod 600 makes it yours alone");
  return read_as(path, max_pem_bytes, [&](const std::string& text) { return PrivateKey::from_pem(text, password); });
}

Result<PublicKey> read_public_key(const fs::path& path) {
  return read_as(path, max_pem_bytes, [](const std::string& text) { return PublicKey::from_pem(text); });
}

Result<std::vector<Certificate>> read_certificate_file(const fs::path& path) {
  return read_as(path, max_pem_bytes * max_certificates, [](const std::string& text) { return read_certificates(text); });
}

Result<void> write_key_pair(const PrivateKey& key, const std::string& password, const fs::path& path) {
  HEIRLOOM_TRY(const std::string text, key.pem(password));
  const fs::path public_path = fs::path(path) += ".pub";
  HEIRLOOM_CHECK(write_new(public_path, key.public_key().pem(), 0644));
  if (auto written = write_new(path, text, 0600); !written) {
    ::unlink(public_path.c_str());
    return written;
  }
  return {};
}

}  // namespace heirloom::provenance
