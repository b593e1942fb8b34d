// What the command line (and any other program) uses of the engine: a session with plugins and maps loaded, and the jobs
// it does. Errors are values; nothing here prints.
#pragma once

#include "engine/arch/map.hpp"
#include "engine/base/arena.hpp"
#include "engine/base/log.hpp"
#include "engine/base/text.hpp"
#include "engine/host/host.hpp"
#include "engine/model/model.hpp"
#include "engine/plan/planner.hpp"
#include "engine/plan/recipe.hpp"
#include "engine/record/write.hpp"
#include "engine/report/report.hpp"
#include "engine/run/check_written.hpp"
#include "engine/run/compare.hpp"
#include "engine/run/execute.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace heirloom {

struct SessionOptions {
  host::LoadOptions plugins;
  std::vector<std::filesystem::path> arch_maps;  // --arch-map
};

struct ConvertOptions {
  std::filesystem::path source;
  std::filesystem::path target;
  std::string from;                        // format of the source; "" to find out
  std::string to;                          // format of the target; "" by its name
  std::string recipe;                      // --quantize
  plan::RecipeOptions recipe_options;      // --tensor-type and the like
  std::uint64_t max_shard_size = 0;
  bool is_as_is = false;
  std::string pre_tokenizer;
  std::filesystem::path importance;              // --imatrix; "" for none
  std::vector<std::string> included_importance;  // --include-weights, --exclude-weights: parts of tensor names
  std::vector<std::string> excluded_importance;
  std::vector<std::string> source_options;       // NAME=VALUE, for the reader
  std::vector<std::string> target_options;       // for the writer
  bool allows_findings = false;
  std::string native_layout;                     // --layout; "" for Hugging Face's
  std::filesystem::path tokenizer;               // --tokenizer
  std::vector<std::string> config;               // --config: KEY=VALUE, JSON or text
  record::Place provenance = record::Place::full;
  bool has_value_root = false;                   // --value-root
  bool hashes_files = false;                     // --hash-files
  std::string source_repository;                 // --source-repository
  std::string source_revision;                   // --source-revision
};

struct Planned {
  std::unique_ptr<model::Source> source;   // on the heap: the plan's readers keep its address
  std::unique_ptr<plan::ImportanceMatrix> importance;  // likewise, or null
  plan::Plan plan;
  std::filesystem::path target;
  bool is_directory = false;
  record::Draft record = {};
};

struct Differences {
  std::unique_ptr<model::Source> first, second;
  std::vector<run::TensorComparison> tensors;
  bool is_same = false;                    // every tensor there, with the same values
};

class Session {
 public:
  static Result<Session> create(const SessionOptions& options, base::Log log);

  const host::Host& host() const { return *host_; }
  const arch::Maps& maps() const { return maps_; }
  const base::Log& log() const { return log_; }

  Result<std::unique_ptr<model::Source>> open(const std::filesystem::path& path, const host::OpenOptions& options) const;
  // Refuses a source with findings that are not allowed, and a target that would replace or delete a file of the source,
  // whatever ExecuteOptions::force says later.
  Result<Planned> plan_conversion(const ConvertOptions& options) const;
  Result<run::Outcome> execute(const Planned& planned, const run::ExecuteOptions& options) const;
  // Findings are warned about. Each reader takes the source options that it knows.
  Result<Differences> diff(const std::filesystem::path& first, const std::filesystem::path& second,
                           const std::vector<std::string>& source_options, const run::CompareOptions& options) const;
  // The map for a checkpoint, or null.
  const arch::Map* map_of(const model::Source& source) const;
  // The lab's own layout that it is in (formats/ecosystems), or "".
  std::string layout_of(const model::Source& source) const;
  Result<std::vector<arch::Explanation>> explain(const std::filesystem::path& path) const;
  // Reads the output back. One that is not what was computed is renamed to NAME.bad, and the error says so.
  Result<void> check_written(const Planned& planned, const run::Outcome& outcome) const;

 private:
  Session() = default;
  // With weights that are stored in two tensors seen as one (engine/plan/packed.hpp).
  Result<std::unique_ptr<model::Source>> open_whole(const std::filesystem::path& path,
                                                    const host::OpenOptions& options) const;
  Result<std::unique_ptr<plan::ImportanceMatrix>> open_importance(const ConvertOptions& options) const;
  std::unique_ptr<host::Host> host_;
  arch::Maps maps_;
  base::Log log_;
};

}  // namespace heirloom
