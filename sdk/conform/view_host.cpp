#include "view_host.hpp"

#include <algorithm>
#include <cstring>

namespace heirloom::conform {
namespace {

heirloom_status refuse(heirloom_error* error, heirloom_status status, const char* message, const char* name,
                       std::uint64_t position = HEIRLOOM_NO_POSITION) {
  if (error != nullptr && error->struct_size >= sizeof *error) {
    const auto put = [](char* field, std::size_t size, const char* text) {
      std::strncpy(field, text, size - 1);
      field[size - 1] = '\0';
    };
    put(error->message, sizeof error->message, message);
    put(error->file, sizeof error->file, name);
    error->tensor[0] = '\0';
    error->position = position;
  }
  return status;
}

}  // namespace

// The C functions; `host->context` is the ViewHost.
struct ViewHost::Table {
  static ViewHost& self(const heirloom_host* host) { return *static_cast<ViewHost*>(host->context); }

  static const void* get_interface(const heirloom_host* host, const char* id) {
    static constexpr heirloom_host_files_1 files{primary, count, name, size, read};
    static constexpr heirloom_host_log_1 log{line};
    static constexpr heirloom_host_progress_1 progress{report, is_cancelled};
    const std::string_view wanted = id;
    if (wanted == HEIRLOOM_HOST_FILES_1 && self(host).has_files_)
      return &files;
    if (wanted == HEIRLOOM_HOST_LOG_1)
      return &log;
    if (wanted == HEIRLOOM_HOST_PROGRESS_1)
      return &progress;
    return nullptr;
  }
  static const char* primary(const heirloom_host* host) { return self(host).primary_.c_str(); }
  static std::uint32_t count(const heirloom_host* host) {
    return static_cast<std::uint32_t>(self(host).top_names_.size());
  }
  static const char* name(const heirloom_host* host, std::uint32_t index) {
    const auto& names = self(host).top_names_;
    return index < names.size() ? names[index].c_str() : nullptr;
  }
  static heirloom_status size(const heirloom_host* host, const char* name, std::uint64_t* size,
                              heirloom_error* error) {
    if (!is_safe_name(name))
      return refuse(error, HEIRLOOM_MISUSE, "not a safe relative name", name);
    const auto bytes = self(host).size_of(name);
    if (!bytes)
      return refuse(error, HEIRLOOM_IO, "no such file", name);
    *size = *bytes;
    self(host).traffic_.ranges[name];  // a file of which only the size was asked is worth cutting too
    return HEIRLOOM_OK;
  }
  static heirloom_status read(const heirloom_host* host, const char* name, std::uint64_t offset, void* buffer,
                              std::uint64_t size, heirloom_error* error) {
    ViewHost& view = self(host);
    if (!is_safe_name(name))
      return refuse(error, HEIRLOOM_MISUSE, "not a safe relative name", name);
    const std::uint64_t number = view.traffic_.reads++;
    if (view.failing_read_ && number >= *view.failing_read_)
      return refuse(error, HEIRLOOM_IO, "the device reports an error", name, offset);
    if (const auto copied = view.copy(name, offset, {static_cast<std::uint8_t*>(buffer), size}); !copied)
      return refuse(error, HEIRLOOM_IO, copied.error().message.c_str(), name, offset);
    view.traffic_.bytes += size;
    view.traffic_.ranges[name].emplace_back(offset, size);
    return HEIRLOOM_OK;
  }
  static void line(const heirloom_host*, std::int32_t, const char*) {}
  static void report(const heirloom_host*, std::uint64_t, std::uint64_t) {}
  static std::int32_t is_cancelled(const heirloom_host* host) {
    ++self(host).traffic_.polls;
    return self(host).is_cancelled_ ? 1 : 0;
  }
};

ViewHost::ViewHost(const FileMap& files, std::string primary) : files_(&files), primary_(std::move(primary)) {
  for (const auto& [name, bytes] : files)
    if (name.find('/') == std::string::npos)
      top_names_.push_back(name);
  host_.abi_major = HEIRLOOM_ABI_MAJOR;
  host_.abi_minor = HEIRLOOM_ABI_MINOR;
  host_.context = this;
  host_.get_interface = Table::get_interface;
}

std::optional<std::uint64_t> ViewHost::size_of(const std::string& name) const {
  const auto found = files_->find(name);
  if (found == files_->end())
    return std::nullopt;
  return mutation_ && mutation_->file == name ? mutation_->size : found->second.size();
}

Result<void> ViewHost::copy(const std::string& name, std::uint64_t offset, std::span<std::uint8_t> out) const {
  const auto size = size_of(name);
  if (!size)
    return fail(Code::io, "no such file");
  if (offset > *size || out.size() > *size - offset)
    return fail(Code::io, "read past the end of the file");
  const auto bytes = files_->find(name)->second;
  const std::uint64_t stored = offset < bytes.size() ? std::min<std::uint64_t>(out.size(), bytes.size() - offset) : 0;
  if (stored != 0)
    std::memcpy(out.data(), bytes.data() + offset, stored);
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(stored), out.end(), std::uint8_t{0});
  if (mutation_ && mutation_->file == name)
    for (std::uint64_t i = 0; i < mutation_->patch_size; ++i)
      if (const std::uint64_t at = mutation_->patch_offset + i; at >= offset && at - offset < out.size())
        out[at - offset] = mutation_->patch[i];
  return {};
}

bool is_safe_name(std::string_view name) {
  if (name.empty() || name.find('\\') != std::string_view::npos)
    return false;
  while (true) {
    const std::size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    if (part.empty() || part == "." || part == "..")
      return false;
    if (slash == std::string_view::npos)
      return true;
    name.remove_prefix(slash + 1);
  }
}

}  // namespace heirloom::conform
