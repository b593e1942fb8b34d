// Plugins: finding, loading, asking and calling them. Boost.DLL appears in one file only (loader.cpp). A Host owns the
// loaded libraries, which are never unloaded. Constant after load(), usable from any thread.
#pragma once

#include "engine/base/log.hpp"
#include "engine/model/model.hpp"
#include "heirloom/nouns.hpp"
#include "heirloom/result.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace heirloom::host {

// One library that was looked at, loaded or not.
struct Candidate {
  std::filesystem::path path;
  bool is_loaded = false;
  std::string verdict;  // "loaded", or the one reason why not
  Manifest manifest;    // of a loaded one
};

struct LoadOptions {
  std::vector<std::filesystem::path> plugin_dirs;  // --plugin-dir, in order
  bool use_default_dirs = true;                    // HEIRLOOM_PLUGIN_PATH (colon list), then <prefix>/lib/heirloom
  bool allow_unsafe = false;                       // load plugins whose manifest says may_execute
};

struct OpenOptions {
  std::string format;  // "" to find out
  Options options;     // for the reader
};

class Host {
 public:
  // Loads every *.so of the directories, sorted by name within each; a plugin id seen before is skipped with a reason.
  static std::unique_ptr<Host> load(const LoadOptions& options, const base::Log& log);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  const std::vector<Candidate>& candidates() const { return candidates_; }
  // Format by id among loaded plugins; null when there is none.
  const Format* find_format(std::string_view id) const;
  // Writable format that a file name's suffix says; null when none does.
  const Format* format_of_suffix(std::string_view file_name) const;
  std::vector<const Format*> formats() const;

  // Probes by content before suffix, reads, verifies and validates. Two plugins that claim the same content are an
  // error that names both and --from. When nothing claims it, the error lists each format with its reason.
  Result<model::Source> open(const std::filesystem::path& path, const OpenOptions& options, const base::Log& log) const;

  // The layout that the format's writer plans, verified and validated.
  Result<Layout> plan_layout(std::string_view format, const Checkpoint& checkpoint, const Options& options,
                             const base::Log& log) const;

 private:
  struct Library;
  Host() = default;
  std::vector<Candidate> candidates_;
  std::vector<std::unique_ptr<Library>> libraries_;
};

}  // namespace heirloom::host
