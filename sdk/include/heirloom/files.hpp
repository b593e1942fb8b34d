// Files: the host's files as a plugin sees them; names are relative, reads are bounds-checked by the host. A view:
// valid as long as the host, cheap to copy, usable from any thread.
#pragma once

#include "heirloom/result.hpp"

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom {

// The Error that a C function filled in.
inline Error from_c(heirloom_status status, const heirloom_error& error) {
  const auto text = [](const char* field, std::size_t size) {
    return std::string(field, ::strnlen(field, size));
  };
  const bool is_known = status >= HEIRLOOM_MALFORMED && status <= HEIRLOOM_INTERNAL;
  return Error{is_known ? static_cast<Code>(status) : Code::internal, text(error.message, sizeof error.message),
               error.position, text(error.file, sizeof error.file), text(error.tensor, sizeof error.tensor)};
}

inline heirloom_error empty_c_error() {
  heirloom_error error{};
  error.struct_size = sizeof error;
  error.position = HEIRLOOM_NO_POSITION;
  return error;
}

class Files {
 public:
  static Result<Files> of(const heirloom_host* host) {
    const auto* table = host == nullptr ? nullptr : static_cast<const heirloom_host_files_1*>(
                                                        host->get_interface(host, HEIRLOOM_HOST_FILES_1));
    if (table == nullptr)
      return fail(Code::unsupported, "the host offers no " HEIRLOOM_HOST_FILES_1);
    return Files(host, table);
  }

  // The file that the user gave, "" for a directory.
  std::string_view primary() const { return table_->primary(host_); }

  // Regular files directly in the directory, in byte order.
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (std::uint32_t i = 0; const char* name = table_->name(host_, i); ++i)
      all.emplace_back(name);
    return all;
  }

  bool has(const std::string& name) const { return size(name).has_value(); }

  Result<std::uint64_t> size(const std::string& name) const {
    std::uint64_t bytes = 0;
    heirloom_error error = empty_c_error();
    const heirloom_status status = table_->size(host_, name.c_str(), &bytes, &error);
    if (status != HEIRLOOM_OK)
      return fail(from_c(status, error).in_file(name));
    return bytes;
  }

  // Fills `out` from byte `offset`; an error when the file ends before.
  Result<void> read(const std::string& name, std::uint64_t offset, std::span<std::uint8_t> out) const {
    heirloom_error error = empty_c_error();
    const heirloom_status status = table_->read(host_, name.c_str(), offset, out.data(), out.size(), &error);
    if (status != HEIRLOOM_OK)
      return fail(from_c(status, error).in_file(name));
    return {};
  }

  // A whole file of at most `limit` bytes.
  Result<std::vector<std::uint8_t>> read_all(const std::string& name, std::uint64_t limit) const {
    HEIRLOOM_TRY(const std::uint64_t bytes, size(name));
    if (bytes > limit)
      return fail(Error{Code::limit, "file of " + std::to_string(bytes) + " bytes exceeds the limit of " +
                                         std::to_string(limit), no_position, name});
    std::vector<std::uint8_t> content(bytes);
    HEIRLOOM_CHECK(read(name, 0, content));
    return content;
  }

 private:
  Files(const heirloom_host* host, const heirloom_host_files_1* table) : host_(host), table_(table) {}

  const heirloom_host* host_;
  const heirloom_host_files_1* table_;
};

}  // namespace heirloom
