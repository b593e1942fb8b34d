#include "engine/api/annotating.hpp"

#include "engine/api/recording.hpp"
#include "engine/base/bytes.hpp"
#include "engine/base/text.hpp"
#include "engine/card/front_matter.hpp"
#include "engine/plan/package.hpp"
#include "engine/provenance/names.hpp"
#include "engine/record/claims.hpp"
#include "engine/record/identify.hpp"
#include "engine/record/lineage.hpp"

#include <algorithm>

namespace heirloom {
namespace {

namespace fs = std::filesystem;

using provenance::Resource;
using report::Annotated;

constexpr std::string_view card_name = "README.md";

std::string sha256_of(std::string_view text) {
  return base::to_hex(base::sha256(base::bytes_of(text)));
}

Resource file_resource(std::string name, std::string_view text) {
  Resource resource;
  resource.name = std::move(name);
  resource.digest = {{"sha256", sha256_of(text)}};
  return resource;
}

Result<void> take_roots(const Session& session, const AnnotateOptions& options, record::AnnotationInput& input, const base::Log& log) {
  HEIRLOOM_TRY(const auto recorded, record::recorded_roots(*input.source, *input.found));
  if (recorded) {
    input.roots = *recorded;
    return {};
  }
  record::Identity identity;
  if (!options.is_dry_run) {
    log.info("there is no record of these weights yet: reading them");
    HEIRLOOM_TRY(identity, record::identify(*input.source, session.maps(), {options.threads, options.memory_bytes}, log));
  }
  input.roots = {identity.stored_root, identity.value_root};
  HEIRLOOM_TRY(const std::vector<provenance::Claim> claims, record::declared_claims(*input.source));
  record::EventDigests digests;
  digests.source_stored_root = identity.stored_root;
  digests.source_metadata_root = provenance::metadata_root(input.source->checkpoint.attrs);
  input.lineage = record::lineage_of(claims, digests, {});
  return {};
}

// What the front matter becomes, key by key.
struct Card {
  std::string text;
  std::vector<report::AnnotatedKey> keys;
};

// A text as it is, another value as YAML in one line.
std::optional<std::string> plain(const std::optional<std::string>& value) {
  const auto json = value && value->starts_with('"') ? model::parse_json(*value) : Result<model::Json>(model::Json());
  return json && json->text() != nullptr ? *json->text() : value;
}

Result<Card> edit_card(const AnnotateOptions& options, const Import& import, const std::string& present) {
  HEIRLOOM_TRY(const std::vector<record::Edit> edits, edits_of(options, import));
  std::vector<card::FrontMatterEdit> changes;
  for (const record::Edit& edit : edits) {
    if (edit.type)
      return fail(Code::misuse, "key " + base::quoted(edit.key) + " of a model card has no type; write KEY=VALUE");
    if (edit.value && edit.text.size() > record::max_set_bytes)
      return fail(Code::misuse, "key " + base::quoted(edit.key) + " has a value longer than " + base::human_bytes(record::max_set_bytes));
    changes.push_back({edit.key, edit.value, edit.text});
  }
  Card out{import.is_card ? import.text : present, {}};
  if (changes.empty())
    return out;
  HEIRLOOM_TRY(card::EditedReadme edited, card::edit_front_matter(out.text, changes));
  for (std::size_t i = 0; i < edits.size(); ++i)
    if (edited.before[i] != edited.after[i])
      out.keys.push_back({edits[i].key, plain(edited.before[i]), plain(edited.after[i])});
  if (!out.keys.empty())
    out.text = std::move(edited.text);
  return out;
}

}  // namespace

fs::path first_file(const model::Source& source) { return source.files->root() / source.checkpoint.files.front().name; }

Result<Import> read_import(const fs::path& from) {
  Import import;
  if (from.empty())
    return import;
  HEIRLOOM_TRY(const auto files, base::FileSet::open(from));
  if (files->primary().empty())
    return fail(Error{Code::misuse, "is a directory; --from wants a model card or a .json file", no_position, from.string()});
  import.name = files->primary();
  import.is_card = from.extension() != ".json";
  HEIRLOOM_TRY(const auto bytes, files->read_all(import.name, plan::max_readme_bytes));
  import.text.assign(bytes.begin(), bytes.end());
  if (import.is_card && from.extension() != ".md" && !import.text.starts_with("---"))
    return fail(Error{Code::misuse, "is no model card: its name does not end in .md, nor does it begin with front matter; --from wants a card or a .json file",
                      no_position, from.string()});
  if (import.is_card && !base::is_utf8(import.text))
    return fail(Error{Code::malformed, "is not UTF-8", no_position, from.string()});
  return import;
}

Result<std::vector<record::Edit>> edits_of(const AnnotateOptions& options, const Import& import) {
  std::vector<record::Edit> edits;
  for (const std::string& text : options.set) {
    HEIRLOOM_TRY(record::Edit edit, record::parse_edit(text));
    edits.push_back(std::move(edit));
  }
  for (const std::string& key : options.remove)
    edits.push_back({key});
  for (auto edit = edits.begin(); edit != edits.end(); ++edit)
    if (std::any_of(edits.begin(), edit, [&](const record::Edit& other) { return other.key == edit->key; }))
      return fail(Code::misuse, "key " + base::quoted(edit->key) + " is given twice");
  if (import.name.empty() || import.is_card)
    return edits;
  const auto located = [&](Error error) { return std::move(error).in_file(import.name); };
  HEIRLOOM_TRY(const model::Json json, model::parse_json(import.text).map_error(located));
  HEIRLOOM_TRY(std::vector<record::Edit> imported, record::parse_edits(json).map_error(located));
  std::erase_if(imported, [&](const record::Edit& one) {
    return std::any_of(edits.begin(), edits.end(), [&](const record::Edit& other) { return other.key == one.key; });
  });
  imported.insert(imported.end(), edits.begin(), edits.end());
  return imported;
}

Result<record::Renewed> renew(const Session& session, const AnnotateOptions& options, const Import& import,
                              const std::vector<report::AnnotatedKey>& keys, record::AnnotationInput input, const base::Log& log) {
  for (const std::string& problem : input.found->problems)
    log.warn(problem);
  if (record::is_changed_unrecorded(*input.source, *input.found))
    log.warn("the metadata is not what the record's last event says: it was changed without a record, and that stays visible");
  HEIRLOOM_CHECK(take_roots(session, options, input, log));
  input.name = options.path.has_filename() ? options.path.filename().string() : options.path.parent_path().filename().string();
  for (const report::AnnotatedKey& key : keys)
    input.changes.push_back({key.key, key.after});
  if (!import.name.empty()) {
    input.read.push_back(file_resource(import.name, import.text));
    input.read.back().annotations.emplace_back("role", model::Json(std::string(import.is_card ? "model-card" : "file")));
  }
  return record::renew_record(input);
}

Result<std::vector<record::RecordFile>> files_of(const model::Source& source, const record::Renewed& renewed, record::RunFacts run) {
  std::vector<record::RecordFile> files = renewed.files;
  if (!renewed.has_log_file)
    return files;
  provenance::Log log = renewed.log;
  HEIRLOOM_TRY(run.finished, record::now());
  HEIRLOOM_TRY(const provenance::Statement statement, record::run_statement_of(renewed.event, run));
  HEIRLOOM_TRY(std::string payload, encode(statement));
  log.append({std::move(payload)});
  files.push_back({provenance::file_name(provenance::Part::log, record::record_base(source)), log.text()});
  return files;
}

void warn_of_signature(const model::Source& source, const base::Log& log) {
  const auto is_there = source.files->exists(provenance::signature_name);
  if (is_there && *is_there)
    log.warn(base::quoted(std::string(provenance::signature_name)) + " no longer holds once a file of the directory changes; sign it again (heirloom sign)");
}

Result<Staged> stage(const fs::path& directory, const std::vector<record::RecordFile>& files) {
  Staged staged;
  for (const record::RecordFile& file : files) {
    HEIRLOOM_TRY(auto output, base::Output::create(directory / file.name, base::Output::Kind::file, true));
    HEIRLOOM_TRY(const base::OutputFile* added, output->add(file.name, file.text.size()));
    HEIRLOOM_CHECK(added->write(0, base::bytes_of(file.text)));
    staged.push_back(std::move(output));
  }
  return staged;
}

Result<void> commit(const Staged& staged) {
  for (const auto& output : staged)
    HEIRLOOM_CHECK(output->commit());
  return {};
}

Result<Annotated> annotate_directory(const Session& session, const AnnotateOptions& options, const Import& import, const base::Log& log) {
  HEIRLOOM_TRY(const auto source, session.open(options.path, {}));
  HEIRLOOM_TRY(const auto bytes, plan::read_optional(*source, card_name, plan::max_readme_bytes));
  const std::string present = bytes ? std::string(bytes->begin(), bytes->end()) : "";
  auto card = edit_card(options, import, present);
  if (!card)
    return fail(std::move(card).error().in_file(source->files->display(card_name)));
  Annotated out{options.path.string(), Annotated::How::unchanged, card->keys};
  out.is_dry_run = options.is_dry_run;
  if (card->text == present)
    return out;
  HEIRLOOM_TRY(const record::Found found, record::find_record(*source));
  record::AnnotationInput input;
  input.source = source.get();
  input.found = &found;
  input.attrs = source->checkpoint.attrs;
  input.may_embed = false;
  input.files = {file_resource(std::string(card_name), card->text)};
  HEIRLOOM_TRY(record::RunFacts run, begin_run(session.host(), source->plugin, source->checkpoint.format, options.threads));
  HEIRLOOM_TRY(const record::Renewed renewed, renew(session, options, import, out.keys, std::move(input), log));
  run.files = {{std::string(card_name), card->text.size()}};
  out.how = Annotated::How::card;
  out.event = renewed.event;
  warn_of_signature(*source, log);
  HEIRLOOM_TRY(std::vector<record::RecordFile> files, files_of(*source, renewed, std::move(run)));
  files.insert(files.begin(), {std::string(card_name), card->text});
  for (const record::RecordFile& file : files)
    out.files.push_back(file.name);
  if (options.is_dry_run)
    return out;
  HEIRLOOM_TRY(const Staged staged, stage(source->files->root(), files));
  HEIRLOOM_CHECK(commit(staged));
  return out;
}

}  // namespace heirloom
