#include "engine/host/host_services.hpp"

#include "engine/base/text.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <string_view>

namespace heirloom::host {

namespace {

const HostServices& self(const heirloom_host* host) { return *static_cast<const HostServices*>(host->context); }

void copy_text(char* field, std::size_t size, std::string_view text) {
  const std::size_t count = std::min(size - 1, text.size());
  std::memcpy(field, text.data(), count);
  field[count] = '\0';
}

heirloom_status report(const Error& error, const char* name, heirloom_error* out) {
  if (out != nullptr && out->struct_size >= sizeof(heirloom_error)) {
    out->position = error.position;
    copy_text(out->message, sizeof out->message, error.message);
    copy_text(out->file, sizeof out->file, name == nullptr ? "" : name);
    out->tensor[0] = '\0';
  }
  return static_cast<heirloom_status>(error.code);
}

// Runs `body`, which returns a Result<void>; nothing is thrown into the plugin.
template <class Body>
heirloom_status guarded(const char* name, heirloom_error* error, Body body) noexcept {
  try {
    if (name == nullptr)
      return report({Code::misuse, "the file name is null"}, name, error);
    const Result<void> result = body();
    return result ? HEIRLOOM_OK : report(result.error(), name, error);
  } catch (const std::exception& exception) {
    return report({Code::internal, exception.what()}, name, error);
  } catch (...) {
    return report({Code::internal, "the host failed"}, name, error);
  }
}

const char* primary(const heirloom_host* host) noexcept { return self(host).files()->primary().c_str(); }

std::uint32_t count(const heirloom_host* host) noexcept {
  return static_cast<std::uint32_t>(self(host).files()->names().size());
}

const char* name_at(const heirloom_host* host, std::uint32_t index) noexcept {
  const auto& names = self(host).files()->names();
  return index < names.size() ? names[index].c_str() : nullptr;
}

heirloom_status size_of(const heirloom_host* host, const char* name, std::uint64_t* size,
                        heirloom_error* error) noexcept {
  return guarded(name, error, [&]() -> Result<void> {
    HEIRLOOM_TRY(*size, self(host).files()->size(name));
    return {};
  });
}

heirloom_status read(const heirloom_host* host, const char* name, std::uint64_t offset, void* buffer,
                     std::uint64_t size, heirloom_error* error) noexcept {
  return guarded(name, error, [&] {
    return self(host).files()->read(name, offset, {static_cast<std::uint8_t*>(buffer), size});
  });
}

void line(const heirloom_host* host, std::int32_t level, const char* text) noexcept {
  try {
    const HostServices& services = self(host);
    const std::string whole = services.plugin() + ": " + base::printable(text == nullptr ? "" : text);
    if (level == HEIRLOOM_LOG_WARNING)
      services.log().warn(whole);
    else
      services.log().info(whole);
  } catch (...) {  // a line that cannot be shown is no reason to stop
  }
}

void report_progress(const heirloom_host* host, std::uint64_t done, std::uint64_t total) noexcept {
  try {
    self(host).log().report(done, total);
  } catch (...) {  // neither is progress
  }
}

std::int32_t is_cancelled(const heirloom_host* host) noexcept {
  try {
    return self(host).log().cancelled() ? 1 : 0;
  } catch (...) {
    return 1;
  }
}

const void* get_interface(const heirloom_host* host, const char* id) noexcept {
  static constexpr heirloom_host_files_1 files{primary, count, name_at, size_of, read};
  static constexpr heirloom_host_log_1 log{line};
  static constexpr heirloom_host_progress_1 progress{report_progress, is_cancelled};
  const std::string_view wanted = id == nullptr ? "" : id;
  if (wanted == HEIRLOOM_HOST_FILES_1)
    return self(host).files() == nullptr ? nullptr : &files;
  if (wanted == HEIRLOOM_HOST_LOG_1)
    return &log;
  return wanted == HEIRLOOM_HOST_PROGRESS_1 ? &progress : nullptr;
}

}  // namespace

HostServices::HostServices(const base::FileSet* files, base::Log log, std::string plugin)
    : files_(files),
      log_(std::move(log)),
      plugin_(std::move(plugin)),
      host_{HEIRLOOM_ABI_MAJOR, HEIRLOOM_ABI_MINOR, this, get_interface} {}

}  // namespace heirloom::host
