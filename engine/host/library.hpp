// One plugin that has been accepted, and calls into it: every call catches what the plugin throws, checks what it hands
// back, and gives its errors the plugin's id. Internal to engine/host. Constant, any thread.
#pragma once

#include "engine/host/host.hpp"
#include "engine/host/host_services.hpp"
#include "heirloom/abi.h"
#include "heirloom/files.hpp"

#include <exception>
#include <memory>

namespace heirloom::host {

struct Plugin {
  Manifest manifest;
  const heirloom_reader_1* reader = nullptr;  // null when it reads nothing
  const heirloom_decode_1* decode = nullptr;
  const heirloom_writer_1* writer = nullptr;
  const heirloom_finish_1* finish = nullptr;
};

// Checks a library's symbol: ABI, manifest, trust, interfaces. The error's message is the verdict for the user.
Result<Plugin> accept(const heirloom_plugin* symbol, bool allow_unsafe);

// The error with the plugin's id in its message.
Error blame(const Plugin& plugin, Error error);

// Calls `function(heirloom_error*)`, which returns a status.
template <class Function>
Result<void> call(const Plugin& plugin, Function function) {
  heirloom_error error = empty_c_error();
  try {
    const heirloom_status status = function(&error);
    if (status == HEIRLOOM_OK)
      return {};
    return fail(blame(plugin, from_c(status, error)));
  } catch (const std::exception& exception) {
    return fail(blame(plugin, {Code::internal, std::string("the plugin threw an exception: ") + exception.what()}));
  } catch (...) {
    return fail(blame(plugin, {Code::internal, "the plugin threw an exception"}));
  }
}

// A checkpoint that a plugin has open. Closes it.
class OpenReader {
 public:
  // `files` outlives the reader.
  static Result<std::unique_ptr<OpenReader>> open(const Plugin& plugin, std::uint32_t format,
                                                  const base::FileSet& files, const Options& options,
                                                  const base::Log& log);
  ~OpenReader();
  OpenReader(const OpenReader&) = delete;
  OpenReader& operator=(const OpenReader&) = delete;

  Result<Checkpoint> describe() const;
  Result<void> decode(std::uint32_t tensor, std::uint64_t offset, std::span<std::uint8_t> out) const;

 private:
  OpenReader(const Plugin& plugin, const base::FileSet& files, const base::Log& log);
  Plugin plugin_;
  HostServices services_;
  heirloom_reader* reader_ = nullptr;
};

Result<std::uint32_t> probe(const Plugin& plugin, std::uint32_t format, const base::FileSet& files,
                            const base::Log& log);

// A layout that a plugin has planned. Destroys it.
class PlannedLayout {
 public:
  static Result<std::unique_ptr<PlannedLayout>> plan(const Plugin& plugin, std::uint32_t format,
                                                     const Checkpoint& checkpoint, const Options& options,
                                                     const base::Log& log);
  ~PlannedLayout();
  PlannedLayout(const PlannedLayout&) = delete;
  PlannedLayout& operator=(const PlannedLayout&) = delete;

  Result<Layout> layout() const;
  Result<std::vector<Literal>> finish(std::span<const std::uint64_t> checksums) const;

 private:
  PlannedLayout(const Plugin& plugin, const base::Log& log);
  Plugin plugin_;
  HostServices services_;
  heirloom_layout* layout_ = nullptr;
};

}  // namespace heirloom::host
