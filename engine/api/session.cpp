#include "engine/api.hpp"

#include "engine/api/places.hpp"
#include "engine/api/recording.hpp"
#include "engine/base/header_file.hpp"
#include "engine/base/system_error.hpp"
#include "engine/host/option_text.hpp"
#include "engine/model/remarks.hpp"
#include "engine/plan/native.hpp"
#include "engine/plan/package.hpp"
#include "engine/plan/packed.hpp"
#include "engine/plan/view.hpp"

#include <algorithm>
#include <cctype>

namespace heirloom {
namespace {

namespace fs = std::filesystem;

struct Target {
  std::string format;
  bool is_directory = false;
};

// By --to, by the suffix, or a Hugging Face directory (DESIGN of the command line: a name ending in .gguf is GGUF).
Result<Target> resolve_target(const host::Host& host, const fs::path& path, const std::string& to, const std::string& layout) {
  if (!layout.empty()) {
    HEIRLOOM_TRY(const std::string native, plan::native_format(layout));
    return Target{to.empty() ? native : to, true};
  }
  const Format* by_suffix = host.format_of_suffix(path.filename().string());
  std::error_code cause;
  const fs::file_status status = fs::status(path, cause);
  if (status.type() == fs::file_type::none)
    return fail(base::system_error(cause.value(), "cannot look at the target", path));
  const bool names_directory = !path.has_filename() || fs::is_directory(status);
  if (!to.empty()) {
    const Format* format = host.find_format(to);
    if (format == nullptr || !format->writes)
      return fail(Code::misuse, "no plugin writes " + base::quoted(to) + " (heirloom formats lists what can be written)");
    return Target{to, names_directory || (by_suffix == nullptr && format->directory)};
  }
  if (by_suffix != nullptr && !names_directory)
    return Target{by_suffix->id, false};
  if (path.has_extension() && !names_directory && path.extension().string().size() > 1 &&
      !std::isdigit(static_cast<unsigned char>(path.extension().string()[1])))
    return fail(Error{Code::misuse, "no writable format has the suffix " + base::quoted(path.extension().string()) +
                                        "; name one with --to, or give a directory (with a final /)", no_position, path.string()});
  return Target{"safetensors", true};
}

// KEY=VALUE; a value that is no JSON is text.
Result<model::Json::Object> parse_config(const std::vector<std::string>& texts) {
  model::Json::Object config;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == text.npos)
      return fail(Code::misuse, "--config wants KEY=VALUE, not " + base::quoted(text));
    auto value = model::parse_json(std::string_view(text).substr(equals + 1));
    config.emplace_back(text.substr(0, equals), value ? std::move(*value) : model::Json(text.substr(equals + 1)));
  }
  return config;
}

// The source in Hugging Face's terms.
Result<plan::View> view_of(const model::Source& source) {
  HEIRLOOM_TRY(plan::Package package, plan::read_package(source));
  return plan::make_view(source, std::move(package));
}

// Findings of the source as lines, the last of which counts what is too much to list.
std::vector<std::string> findings_in_words(const Checkpoint& checkpoint) {
  constexpr std::size_t max_lines = 10;
  const auto& findings = checkpoint.findings;
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < std::min(findings.size(), max_lines); ++i)
    lines.push_back("asks for " + model::describe(findings[i]) + "; nothing of it was run");
  if (findings.size() > max_lines)
    lines.push_back(std::to_string(findings.size() - max_lines) + " more findings (heirloom inspect lists them)");
  return lines;
}

Result<void> refuse_findings(const model::Source& source) {
  const auto& findings = source.checkpoint.findings;
  if (findings.empty())
    return {};
  return fail(Error{Code::unsupported, "asks for " + model::describe(findings.front()) +
                                           (findings.size() == 1 ? std::string() : ", and " + std::to_string(findings.size() - 1) + " more") +
                                           "; nothing of it was run; --allow-findings converts without these objects, "
                                           "heirloom inspect lists them",
                    no_position, source.files->display(source.files->primary())});
}

// An option that no reader knows is a mistake.
Result<void> check_one_knows(const host::Host& host, std::initializer_list<const model::Source*> sources,
                             const std::vector<std::string>& options) {
  for (const std::string& text : options) {
    std::string names;
    bool is_known = false;
    for (const model::Source* source : sources) {
      const Format* format = host.find_format(source->checkpoint.format);
      is_known = is_known || host::declares(format->read_options, text);
      names += (names.empty() ? "" : " nor ") + base::quoted(format->id);
    }
    if (!is_known)
      return fail(Code::misuse, "neither " + names + " has the option " + base::quoted(text) + " (heirloom formats lists them)");
  }
  return {};
}

}  // namespace

Result<Session> Session::create(const SessionOptions& options, base::Log log) {
  Session session;
  session.log_ = std::move(log);
  session.host_ = host::Host::load(options.plugins, session.log_);
  HEIRLOOM_TRY(session.maps_, arch::Maps::load(options.arch_maps));
  return session;
}

Result<std::unique_ptr<model::Source>> Session::open(const fs::path& path, const host::OpenOptions& options) const {
  auto source = host_->open(path, options, log_);
  std::error_code unknown;
  if (fs::exists(base::header_backup(path), unknown))
    log_.warn(base::quoted(path.string()) + ": an annotation of it was stopped half way; the next heirloom annotate puts its old header back");
  if (!source)
    return fail(std::move(source).error());
  return std::make_unique<model::Source>(std::move(*source));
}

Result<std::unique_ptr<plan::ImportanceMatrix>> Session::open_importance(const ConvertOptions& options) const {
  if (!options.included_importance.empty() && !options.excluded_importance.empty())
    return fail(Code::misuse, "--include-weights and --exclude-weights exclude each other");
  if (options.importance.empty()) {
    if (!options.included_importance.empty() || !options.excluded_importance.empty())
      return fail(Code::misuse, "--include-weights and --exclude-weights choose from an importance matrix; give one with --imatrix");
    return nullptr;
  }
  HEIRLOOM_TRY(plan::ImportanceMatrix matrix, plan::read_importance(*host_, options.importance, log_));
  plan::select_entries(options.included_importance, options.excluded_importance, matrix);
  if (matrix.entries.empty())
    return fail(Error{Code::misuse, "no entry is left of the importance matrix", no_position, matrix.file});
  return std::make_unique<plan::ImportanceMatrix>(std::move(matrix));
}

Result<std::unique_ptr<model::Source>> Session::open_whole(const fs::path& path, const host::OpenOptions& options) const {
  HEIRLOOM_TRY(auto source, open(path, options));
  if (const auto package = plan::read_package(*source))
    if (auto seen = plan::see_packed(*source, package->config); !seen)
      return fail(std::move(seen).error().in_file(path.string()));
  return source;
}

Result<Planned> Session::plan_conversion(const ConvertOptions& options) const {
  Planned planned;
  const host::OpenOptions how{options.from, {}, options.source_options};
  HEIRLOOM_TRY(planned.source, options.is_as_is ? open(options.source, how) : open_whole(options.source, how));
  HEIRLOOM_TRY(record::Input input, record::take_input(*planned.source));
  for (const std::string& problem : input.found.problems)
    log_.warn("the source's record goes on without what cannot be read: " + base::printable(problem));
  if (!options.allows_findings)
    HEIRLOOM_CHECK(refuse_findings(*planned.source));
  HEIRLOOM_TRY(const Target target, resolve_target(*host_, options.target, options.to, options.native_layout));
  planned.target = options.target.has_filename() ? options.target : options.target.parent_path();
  planned.is_directory = target.is_directory;
  plan::Request request;
  request.host = host_.get();
  request.maps = &maps_;
  request.source = planned.source.get();
  request.target_format = target.format;
  request.is_directory = target.is_directory;
  request.target_name = target.is_directory ? "" : planned.target.filename().string();
  HEIRLOOM_TRY(request.recipe, plan::parse_recipe(options.recipe, options.recipe_options));
  request.max_shard_size = options.max_shard_size;
  request.target_options = options.target_options;
  request.is_as_is = options.is_as_is;
  request.pre_tokenizer = options.pre_tokenizer;
  request.native_layout = options.native_layout;
  request.tokenizer = options.tokenizer;
  HEIRLOOM_TRY(request.config, parse_config(options.config));
  HEIRLOOM_TRY(planned.importance, open_importance(options));
  request.importance = planned.importance.get();
  auto plan = plan::make_plan(request, log_);
  if (!plan)
    return fail(std::move(plan).error().in_file(options.source.string()));
  planned.plan = std::move(*plan);
  HEIRLOOM_TRY(record::WriteOptions recording, recording_of(options, request.recipe, planned.plan));
  HEIRLOOM_TRY(planned.record, record::begin_record(*host_, maps_, *planned.source, std::move(input), std::move(recording), planned.plan,
                                                    planned.is_directory));
  for (std::string& line : findings_in_words(planned.source->checkpoint))
    planned.plan.warnings.push_back(std::move(line));
  HEIRLOOM_CHECK(check_apart(*host_, *planned.source, planned.plan, planned.target, planned.is_directory));
  if (is_inside_source(*planned.source, planned.target, planned.is_directory))
    log_.warn(base::quoted(planned.target.string()) + " lies in the source's directory, which then holds two checkpoints");
  return planned;
}

Result<run::Outcome> Session::execute(const Planned& planned, const run::ExecuteOptions& options) const {
  run::ExecuteOptions all = options;
  all.is_directory = planned.is_directory;
  all.finish = [&](std::span<const std::uint64_t> checksums) {
    const plan::Plan& plan = planned.plan;
    return host_->finish_layout(plan.target_format, plan.target, plan.writer_options, plan.layout, checksums, log_);
  };
  if (planned.record.options.place == record::Place::none)
    return run::execute(planned.plan, *planned.source, planned.target, all, log_);
  HEIRLOOM_TRY(const record::RunFacts facts, begin_run(*host_, planned.source->plugin, planned.plan.target_format, options.threads));
  all.digests_sources = true;
  all.canonical = planned.record.values.tensors;
  all.complete = [&](const run::Outcome& outcome, const run::Unfinished& unfinished) {
    return record::finish_record(*host_, planned.record, planned.plan, *planned.source, outcome, unfinished, facts);
  };
  return run::execute(planned.plan, *planned.source, planned.target, all, log_);
}

Result<Differences> Session::diff(const fs::path& first, const fs::path& second, const std::vector<std::string>& source_options,
                                  const run::CompareOptions& options) const {
  Differences differences;
  HEIRLOOM_TRY(differences.first, open_whole(first, {"", {}, source_options, true}));
  HEIRLOOM_TRY(differences.second, open_whole(second, {"", {}, source_options, true}));
  HEIRLOOM_CHECK(check_one_knows(*host_, {differences.first.get(), differences.second.get()}, source_options));
  for (const model::Source* source : {differences.first.get(), differences.second.get()})
    for (const std::string& line : findings_in_words(source->checkpoint))
      log_.warn(base::printable(source->files->display(source->files->primary())) + ": " + line);
  const plan::Ecosystem from = plan::ecosystem_of(*differences.first);
  const plan::Ecosystem to = plan::ecosystem_of(*differences.second);
  const plan::Ecosystem shown = from == plan::Ecosystem::none || to == plan::Ecosystem::none ? from : to;
  HEIRLOOM_TRY(const auto tensors, plan::tensors_in(*differences.first, maps_, shown));
  HEIRLOOM_TRY(differences.tensors, run::compare(*differences.first, tensors, *differences.second, options, log_));
  differences.is_same =
      std::all_of(differences.tensors.begin(), differences.tensors.end(), [](const run::TensorComparison& tensor) {
        return tensor.verdict == run::Verdict::identical || tensor.verdict == run::Verdict::same_values;
      });
  return differences;
}

const arch::Map* Session::map_of(const model::Source& source) const {
  const auto view = view_of(source);
  for (const arch::Explanation& explanation :
       arch::explain(maps_, view ? view->package.config : model::Json(), source.checkpoint.attrs))
    if (explanation.is_match)
      return explanation.map;
  return nullptr;
}

std::string Session::layout_of(const model::Source& source) const {
  const auto view = view_of(source);
  return view ? view->layout : "";
}

Result<std::vector<arch::Explanation>> Session::explain(const fs::path& path) const {
  HEIRLOOM_TRY(const auto source, open(path, {}));
  HEIRLOOM_TRY(const plan::View view, view_of(*source));
  return arch::explain(maps_, view.package.config, source->checkpoint.attrs);
}

Result<void> Session::check_written(const Planned& planned, const run::Outcome& outcome) const {
  const fs::path path = planned.is_directory ? planned.target
                                             : planned.target.parent_path() / planned.plan.layout.files.front().name;
  auto checked = run::check_written(*host_, planned.plan, outcome, path, log_);
  if (!checked && checked.error().code != Code::cancelled)
    return fail(set_aside(std::move(checked).error(), planned.plan, planned.target, planned.is_directory));
  return checked;
}

}  // namespace heirloom
