#include "engine/api/recording.hpp"

#include "engine/base/arena.hpp"
#include "engine/kernels/kernels.hpp"
#include "engine/plan/native.hpp"
#include "engine/record/digests.hpp"

#include <algorithm>

namespace heirloom {
namespace {

namespace fs = std::filesystem;

std::string joined(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values)
    text += (text.empty() ? "" : "\n") + value;
  return text;
}

Result<void> add_program(const std::string& name, const fs::path& path, record::RunFacts& run) {
  HEIRLOOM_TRY(const base::Digest digest, record::digest_of_file(path));
  run.programs.emplace_back(name, digest);
  return {};
}

record::Asked asked_of(const ConvertOptions& options, const plan::Recipe& recipe) {
  record::Asked asked{recipe.data ? recipe.data->name : recipe.encoding};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty())
      asked.options.emplace_back(name, value);
  };
  const auto add_flag = [&](const char* name, bool is_set) { add(name, is_set ? "true" : ""); };
  const plan::RecipeOptions& changes = options.recipe_options;
  add("tensor-type", joined(changes.tensor_types));
  add("output-tensor-type", changes.output_tensor_type);
  add("token-embedding-type", changes.token_embedding_type);
  add_flag("pure", changes.is_pure);
  add_flag("leave-output-tensor", changes.leaves_output);
  add_flag("allow-requantize", changes.allow_requantize);
  add("max-shard-size", options.max_shard_size == 0 ? "" : std::to_string(options.max_shard_size));
  add_flag("as-is", options.is_as_is);
  add("pre-tokenizer", options.pre_tokenizer);
  add("include-weights", joined(options.included_importance));
  add("exclude-weights", joined(options.excluded_importance));
  add("source-option", joined(options.source_options));
  add("target-option", joined(options.target_options));
  add("layout", options.native_layout);
  add("config", joined(options.config));
  return asked;
}

// Files that options name and that change bytes.
Result<std::vector<record::EventFile>> files_given(const ConvertOptions& options, const plan::Recipe& recipe, const plan::Plan& plan) {
  std::vector<record::EventFile> files;
  const auto add = [&](const fs::path& path, const char* role, const char* option) -> Result<void> {
    if (path.empty())
      return {};
    HEIRLOOM_TRY(const base::Digest digest, record::digest_of_file(path));
    files.push_back({path.filename().string(), role, digest, option});
    return {};
  };
  HEIRLOOM_CHECK(add(recipe.file, "recipe", "quantize"));
  HEIRLOOM_CHECK(add(options.importance, "importance-matrix", "imatrix"));
  HEIRLOOM_CHECK(add(plan.architecture_file, "architecture-map", "arch-map"));
  if (options.tokenizer.empty())
    return files;
  HEIRLOOM_TRY(const std::vector<std::string> names, plan::tokenizer_files_of(options.tokenizer));
  for (const std::string& name : names)
    HEIRLOOM_CHECK(add(options.tokenizer / name, "tokenizer", "tokenizer"));
  return files;
}

}  // namespace

Result<record::WriteOptions> recording_of(const ConvertOptions& options, const plan::Recipe& recipe, const plan::Plan& plan) {
  record::WriteOptions recording{options.provenance, options.has_value_root, options.hashes_files, asked_of(options, recipe)};
  recording.source_repository = options.source_repository;
  recording.source_revision = options.source_revision;
  if (options.provenance != record::Place::none) {
    HEIRLOOM_TRY(recording.given, files_given(options, recipe, plan));
  }
  return recording;
}

Result<record::RunFacts> begin_run(const host::Host& host, std::string_view reader, std::string_view target, std::size_t wanted_threads) {
  record::RunFacts run;
  HEIRLOOM_TRY(run.started, record::now());
  std::error_code unknown;
  const fs::path program = fs::read_symlink("/proc/self/exe", unknown);
  if (!unknown)
    HEIRLOOM_CHECK(add_program(program.filename().string(), program, run));
  for (const host::Candidate& candidate : host.candidates()) {
    const auto& formats = candidate.manifest.formats;
    const bool writes = std::any_of(formats.begin(), formats.end(), [&](const Format& format) { return format.id == target; });
    if (candidate.is_loaded && (writes || candidate.manifest.id == reader))
      HEIRLOOM_CHECK(add_program(candidate.manifest.id, candidate.path, run));
  }
  const std::size_t threads = wanted_threads == 0 ? base::default_threads() : wanted_threads;
  const kernels::Kernels* kernels = kernels::chosen();
  run.parameters = {{"threads", std::to_string(threads)}, {"isa", kernels == nullptr ? "" : std::string(kernels->name)}};
  return run;
}

}  // namespace heirloom
