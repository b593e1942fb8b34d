#include "engine/api/annotate.hpp"

#include "engine/api/annotating.hpp"
#include "engine/api/recording.hpp"
#include "engine/base/directory_lock.hpp"
#include "engine/base/header_file.hpp"
#include "engine/base/output.hpp"
#include "engine/base/text.hpp"
#include "engine/plan/attr_text.hpp"
#include "engine/provenance/names.hpp"
#include "engine/record/annotation.hpp"
#include "engine/record/relay.hpp"

#include <algorithm>

namespace heirloom {
namespace {

namespace fs = std::filesystem;

using report::Annotated;

// Opens a weight file, after what an annotation that was stopped left has been put back.
Result<std::unique_ptr<model::Source>> open_restored(const Session& session, const fs::path& path, const base::Log& log) {
  const auto restore = [&](const fs::path& file) -> Result<bool> {
    HEIRLOOM_TRY(const bool is_restored, base::restore_header(file));
    if (is_restored)
      log.warn(base::quoted(file.string()) + ": an annotation of it was stopped half way; its old header is back");
    return is_restored;
  };
  HEIRLOOM_CHECK(restore(path));
  HEIRLOOM_TRY(auto source, session.open(path, {}));
  const fs::path first = first_file(*source);
  std::error_code unknown;
  if (!fs::equivalent(first, path, unknown)) {
    HEIRLOOM_TRY(const bool is_restored, restore(first));
    if (is_restored) {
      HEIRLOOM_TRY(source, session.open(path, {}));
    }
  }
  return source;
}

// The metadata list as the user wants it.
Result<record::Edited> edit(const AnnotateOptions& options, const Import& import, const Checkpoint& checkpoint, bool is_typed) {
  HEIRLOOM_TRY(const std::vector<record::Edit> edits, edits_of(options, import));
  record::Edited edited{checkpoint.attrs, {}, {}};
  if (import.is_card) {
    HEIRLOOM_TRY(edited, record::import_card(import.text, checkpoint.tensors, checkpoint.attrs, is_typed));
  }
  HEIRLOOM_TRY(record::Edited more, record::apply(edits, edited.attrs, is_typed));
  more.changes.insert(more.changes.begin(), edited.changes.begin(), edited.changes.end());
  more.warnings.insert(more.warnings.begin(), edited.warnings.begin(), edited.warnings.end());
  return more;
}

std::optional<std::string> text_of(const Attr* attr) {
  return attr == nullptr ? std::nullopt : std::optional<std::string>(plan::value_text(*attr));
}

// Each key once, as it was and as it is.
std::vector<report::AnnotatedKey> keys_of(const record::Edited& edited, const std::vector<Attr>& before) {
  std::vector<report::AnnotatedKey> keys;
  for (const record::Change& change : edited.changes) {
    const Attr* old = find_attr(before, change.key);
    const Attr* now = find_attr(edited.attrs, change.key);
    const bool is_same = (old == nullptr) == (now == nullptr) && (old == nullptr || *old == *now);
    const bool is_known = std::any_of(keys.begin(), keys.end(), [&](const auto& key) { return key.key == change.key; });
    if (!is_same && !is_known)
      keys.push_back({change.key, text_of(old), text_of(now)});
  }
  return keys;
}

// A weight file that stands for a directory with a record of its own.
Result<void> check_own_record(const model::Source& source, const record::Found& found) {
  const std::string log = provenance::file_name(provenance::Part::log, "");
  HEIRLOOM_TRY(const bool is_in_directory, source.files->exists(log));
  if (!is_in_directory || found.has_log_file)
    return {};
  const std::string& name = source.checkpoint.files.front().name;
  for (const provenance::LogLine* line : found.log.heads())
    if (line->statement && found.head == line->id)
      return fail(Error{Code::misuse, "the record of " + base::quoted(name) + " is that of its directory (" + base::quoted(log) +
                                          "); annotate the directory", no_position, source.files->display(name)});
  return {};
}

Result<void> write_file(const record::Relaid& relaid, const model::Source& source, const AnnotateOptions& options, const base::Log& log) {
  const fs::path file = first_file(source);
  if (relaid.header)
    return base::replace_header(file, *relaid.header);
  std::error_code unknown;
  const fs::perms mode = fs::status(file, unknown).permissions();
  run::ExecuteOptions how;
  how.threads = options.threads;
  how.memory_bytes = options.memory_bytes;
  how.force = true;
  HEIRLOOM_CHECK(run::execute(relaid.plan, source, file, how, log));
  if (!unknown)
    fs::permissions(file, mode, unknown);
  return {};
}

// In place only where nobody else's file would change.
Result<record::Relaid> relay(const Session& session, const model::Source& source, const std::vector<Attr>& attrs, const base::Log& log) {
  HEIRLOOM_TRY(record::Relaid relaid, record::relay(session.host(), source, attrs, provenance::default_reserve_bytes, log));
  const auto shared = base::shared_name_of(first_file(source));
  if (relaid.header && shared) {
    log.info("written anew and not in place: " + *shared);
    relaid.header.reset();
  }
  if (!relaid.is_faithful)
    log.warn("another program wrote the header in another form; the new one says the same in heirloom's");
  return relaid;
}

Result<Annotated> annotate_file(const Session& session, const AnnotateOptions& options, const Import& import, const base::Log& log) {
  HEIRLOOM_TRY(const auto source, open_restored(session, options.path, log));
  const Format* format = session.host().find_format(source->checkpoint.format);
  const bool is_typed = format != nullptr && format->typed_attrs;
  HEIRLOOM_TRY(const record::Found found, record::find_record(*source));
  HEIRLOOM_CHECK(check_own_record(*source, found));
  HEIRLOOM_TRY(record::Edited edited, edit(options, import, source->checkpoint, is_typed));
  for (const std::string& warning : edited.warnings)
    log.warn(warning);
  Annotated out{options.path.string(), Annotated::How::unchanged, keys_of(edited, source->checkpoint.attrs)};
  out.is_dry_run = options.is_dry_run;
  if (out.keys.empty())
    return out;
  if (!is_typed && find_attr(edited.attrs, "format") == nullptr && source->checkpoint.format == "safetensors")
    edited.attrs.insert(edited.attrs.begin(), Attr::text("format", "pt"));  // as the writer does
  HEIRLOOM_CHECK(base::check_writable(first_file(*source)));

  record::AnnotationInput input;
  input.source = source.get();
  input.found = &found;
  input.attrs = std::move(edited.attrs);
  input.is_typed = is_typed;
  HEIRLOOM_TRY(record::RunFacts run, begin_run(session.host(), source->plugin, source->checkpoint.format, options.threads));
  HEIRLOOM_TRY(const record::Renewed renewed, renew(session, options, import, out.keys, std::move(input), log));
  HEIRLOOM_TRY(const record::Relaid relaid, relay(session, *source, renewed.attrs, log));
  out.how = relaid.header ? Annotated::How::in_place : Annotated::How::rewritten;
  out.reserve_bytes = relaid.reserve_bytes;
  out.event = renewed.event;
  run.files = {{source->checkpoint.files.front().name, relaid.header ? source->checkpoint.files.front().size : relaid.plan.layout.files.front().size}};
  warn_of_signature(*source, log);
  HEIRLOOM_TRY(const std::vector<record::RecordFile> beside, files_of(*source, renewed, std::move(run)));
  out.files = {source->checkpoint.files.front().name};
  for (const record::RecordFile& file : beside)
    out.files.push_back(file.name);
  if (options.is_dry_run)
    return out;
  HEIRLOOM_TRY(auto staged, stage(source->files->root(), beside));
  HEIRLOOM_CHECK(write_file(relaid, *source, options, log));
  HEIRLOOM_CHECK(commit(staged));
  return out;
}

}  // namespace

Result<Annotated> annotate(const Session& session, const AnnotateOptions& options, const base::Log& log) {
  if (options.set.empty() && options.remove.empty() && options.from.empty())
    return fail(Code::misuse, "nothing to change; give --set KEY=VALUE, --remove KEY or --from FILE");
  HEIRLOOM_TRY(const base::DirectoryLock lock, base::DirectoryLock::of(options.path, log));
  HEIRLOOM_TRY(const Import import, read_import(options.from));
  std::error_code unknown;
  return fs::is_directory(options.path, unknown) ? annotate_directory(session, options, import, log)
                                                 : annotate_file(session, options, import, log);
}

}  // namespace heirloom
