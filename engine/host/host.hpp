// Plugins: finding, loading, asking and calling them. Boost.DLL appears in one file only (loader.cpp). A Host owns the
// loaded libraries, which are never unloaded. Constant after load(), usable from any thread.
#pragma once

#include "engine/base/log.hpp"
#include "engine/model/model.hpp"
#include "heirloom/nouns.hpp"
#include "heirloom/result.hpp"

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heirloom::host {

// One library that was looked at, loaded or not.
struct Candidate {
  std::filesystem::path path;
  bool is_loaded = false;
  std::string verdict;        // "loaded", or the one reason why not
  Manifest manifest;          // of a loaded one
  bool is_duplicate = false;  // not loaded because a plugin of the same id is
};

struct LoadOptions {
  std::vector<std::filesystem::path> plugin_dirs;  // --plugin-dir, in order
  bool use_default_dirs = true;                    // HEIRLOOM_PLUGIN_PATH (colon list), then <prefix>/lib/heirloom
  bool allow_unsafe = false;                       // load plugins whose manifest says may_execute
};

struct OpenOptions {
  std::string format;  // "" to find out
  Options options;     // for the reader
  std::vector<std::string> option_texts = {};  // more of them, NAME=VALUE (--source-option)
  bool ignores_unknown = false;                // of option_texts
};

// Whether a file has one of the names by which frameworks find the weights of a directory.
bool is_usual_name(std::string_view file);

class Host {
 public:
  // Loads every *.so of the directories, sorted by name within each; a plugin id or format id seen before is skipped
  // with a reason. Plugins that are not loaded are warned about, except second copies.
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
  // error that names both and --from; of a directory that holds several, the names that frameworks look for decide, and
  // the others are warned about. When nothing claims it, the error lists each format with its reason.
  Result<model::Source> open(const std::filesystem::path& path, const OpenOptions& options, const base::Log& log) const;

  // The layout that the format's writer plans for the tensors, encodings and attrs, verified and validated. Options
  // that the format does not declare are refused.
  Result<Layout> plan_layout(std::string_view format, const Checkpoint& checkpoint, const Options& options,
                             const base::Log& log) const;
  // What that writer adds once the bytes of all tensors are known: `checksums` are of the layout's placements, in their
  // order, of the kind that it names. Checked not to cover anything that the layout covers.
  Result<std::vector<Literal>> finish_layout(std::string_view format, const Checkpoint& checkpoint, const Options& options,
                                             const Layout& layout, std::span<const std::uint64_t> checksums,
                                             const base::Log& log) const;

 private:
  struct Library;
  struct Claim;
  Host() = default;
  Candidate try_library(const std::filesystem::path& path, bool allow_unsafe);
  Result<std::pair<const Library*, std::uint32_t>> require_format(std::string_view id) const;
  std::vector<Claim> claims(const base::FileSet& files, const base::Log& log) const;
  static Result<model::Source> open_as(const Library& library, std::uint32_t format,
                                       std::unique_ptr<base::FileSet>& files, const OpenOptions& options,
                                       const base::Log& log);
  static const Claim* decide_by_name(const std::vector<Claim>& claims, const base::FileSet& files);
  Result<model::Source> open_unclaimed(const std::vector<Claim>& claims, std::unique_ptr<base::FileSet>& files,
                                       const OpenOptions& options, const base::Log& log) const;
  std::vector<Candidate> candidates_;
  std::vector<std::unique_ptr<Library>> libraries_;
};

}  // namespace heirloom::host
