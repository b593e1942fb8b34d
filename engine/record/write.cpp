#include "engine/record/write.hpp"

#include "engine/base/bytes.hpp"
#include "engine/base/text.hpp"
#include "engine/plan/package.hpp"
#include "engine/provenance/names.hpp"
#include "engine/record/claims.hpp"
#include "engine/record/digests.hpp"
#include "engine/record/ledger.hpp"
#include "engine/record/lineage.hpp"
#include "engine/record/origin.hpp"
#include "engine/record/receipts.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <span>

namespace heirloom::record {
namespace {

using provenance::Part;

constexpr std::array record_parts = {Part::receipts, Part::ledger, Part::log};

// Payloads of what led to the source, without runs, which stand in the log alone.
std::vector<std::string> payloads_of(const provenance::Log& log) {
  std::vector<std::string> payloads;
  for (const provenance::LogLine& line : log.lines)
    if (line.statement && line.statement->predicate_type != provenance::run_type)
      payloads.push_back(line.envelope->payload);
  return payloads;
}

// What the source says of itself, and what the user says of it.
Result<std::vector<provenance::Claim>> claims_of(const model::Source& source, const WriteOptions& options) {
  if (!options.source_revision.empty() && !is_commit(options.source_revision))
    return fail(Code::misuse, "--source-revision wants a commit, 40 lower-case hexadecimal digits: names of branches and tags can change");
  HEIRLOOM_TRY(std::vector<provenance::Claim> claims, declared_claims(source));
  const auto say = [&](std::string_view field, const std::string& value, const char* argument) {
    if (value.empty())
      return;
    std::erase_if(claims, [&](const provenance::Claim& claim) { return claim.field == field; });
    claims.push_back({std::string(field), value, std::string(provenance::status_declared), argument});
  };
  say("repository", options.source_repository, "--source-repository");
  say("revision", options.source_revision, "--source-revision");
  return claims;
}

// Files that say what the model is count wherever the output lies; others where they are copied.
Result<std::vector<std::string>> side_files_read(const model::Source& source, const plan::Plan& plan) {
  HEIRLOOM_TRY(const plan::Package package, plan::read_package(source, false));
  std::set<std::string_view> copied;
  for (const plan::SideFile& file : plan.side_files)
    copied.insert(file.copied_from);
  std::vector<std::string> names;
  for (const std::string& name : package.side_files)
    if (copied.contains(name) || role_of_file(name) != "file")
      names.push_back(name);
  return names;
}

// The keys of the record, behind all others.
void set_keys(const Draft& draft, const std::vector<std::string>& payloads, const std::string& head, bool is_typed,
              std::vector<Attr>& attrs) {
  const auto key = [](std::string_view name) { return std::string(name); };
  const std::string_view revision = value_of(draft.claims, "revision");
  const bool has_revision = find_attr(attrs, provenance::source_revision_key) != nullptr;
  std::erase_if(attrs, [](const Attr& attr) { return provenance::is_record_key(attr.key); });
  if (is_commit(revision) && !has_revision)
    attrs.push_back(Attr::text(key(provenance::source_revision_key), std::string(revision)));
  if (is_typed)
    attrs.push_back(Attr::scalar(key(provenance::version_key), provenance::record_version));
  else
    attrs.push_back(Attr::text(key(provenance::version_key), std::to_string(provenance::record_version)));
  if (draft.has_events && is_typed) {
    attrs.push_back(Attr::texts(key(provenance::events_key), payloads));
  } else if (draft.has_events) {
    model::Json::Array texts;
    for (const std::string& payload : payloads)
      texts.emplace_back(payload);
    attrs.push_back(Attr::text(key(provenance::events_key), model::Json(std::move(texts)).dump()));
  }
  attrs.push_back(Attr::text(key(provenance::head_key), head));
  attrs.push_back(Attr::text(key(provenance::reserve_key), std::string(provenance::default_reserve_bytes, ' ')));
}

// The event, and what is embedded with it: those that led here and itself.
struct Made {
  std::string lineage;                // payload; "" for a source that has a record
  std::string payload;
  std::string id;
  std::vector<std::string> embedded;
};

std::string id_of(const std::string& payload) { return base::to_hex(base::sha256(base::bytes_of(payload))); }

Result<Made> make_event(const Draft& draft, const plan::Plan& plan, const Checkpoint& source, EventFacts facts) {
  Made made;
  made.embedded = draft.payloads;
  facts.prior = draft.prior;
  if (draft.is_first) {
    HEIRLOOM_TRY(made.lineage, encode(lineage_of(draft.claims, facts.digests, facts.read)));
    facts.prior.push_back(id_of(made.lineage));
    made.embedded.push_back(made.lineage);
  }
  const std::string_view revision = value_of(draft.claims, "revision");
  if (is_commit(revision)) {
    facts.repository = value_of(draft.claims, "repository");
    facts.revision = revision;
  }
  HEIRLOOM_TRY(made.payload, encode(event_of(plan, source, draft.input, draft.options.asked, facts)));
  made.id = id_of(made.payload);
  made.embedded.push_back(made.payload);
  return made;
}

// Names alone, where a digest is not known yet: room for it.
EventFacts draft_facts(const Draft& draft, const plan::Plan& plan) {
  EventFacts facts;
  for (const std::string& name : draft.read)
    facts.read.push_back({name, std::string(role_of_file(name))});
  facts.read.insert(facts.read.end(), draft.options.given.begin(), draft.options.given.end());
  for (const plan::SideFile& file : plan.side_files)
    facts.written.push_back({file.name});
  if (draft.values.has_source())
    facts.digests.source_value_root.emplace();
  if (draft.values.has_output())
    facts.digests.value_root.emplace();
  return facts;
}

Result<EventFacts> true_facts(const Draft& draft, const plan::Plan& plan, const model::Source& source, const run::Outcome& outcome) {
  EventFacts facts = draft_facts(draft, plan);
  for (EventFile& file : facts.read)
    if (file.option.empty()) {
      HEIRLOOM_TRY(file.sha256, digest_of_file(*source.files, file.name));
    }
  for (std::size_t i = 0; i < plan.side_files.size(); ++i) {
    const plan::SideFile& file = plan.side_files[i];
    if (file.copied_from.empty()) {
      facts.written[i].sha256 = base::sha256(file.bytes);
    } else {
      HEIRLOOM_TRY(facts.written[i].sha256, digest_of_file(*source.files, file.copied_from));
    }
  }
  facts.digests.stored_root = stored_root(plan.target, outcome.digests);
  facts.digests.metadata_root = provenance::metadata_root(plan.target.attrs);
  facts.digests.source_stored_root = stored_root(source.checkpoint, outcome.sources);
  facts.digests.source_metadata_root = draft.input.metadata_root;
  if (facts.digests.source_value_root)
    facts.digests.source_value_root = value_root(draft.values.tensors, outcome.values);
  if (facts.digests.value_root)
    facts.digests.value_root = facts.digests.source_value_root;
  return facts;
}

bool is_same_but_for_literals(const Layout& a, const Layout& b) {
  return a.files == b.files && a.checksum == b.checksum &&
         std::equal(a.literals.begin(), a.literals.end(), b.literals.begin(), b.literals.end(),
                    [](const Literal& x, const Literal& y) { return x.file == y.file && x.offset == y.offset && x.bytes.size() == y.bytes.size(); }) &&
         std::equal(a.placements.begin(), a.placements.end(), b.placements.begin(), b.placements.end(), [](const Placement& x, const Placement& y) {
           return x.tensor == y.tensor && x.file == y.file && x.offset == y.offset && x.size == y.size;
         });
}

// The same keys with the digests that are known now.
Result<void> write_keys(const host::Host& host, const Draft& draft, const plan::Plan& plan, const Made& made,
                        const run::Unfinished& unfinished) {
  Checkpoint target = plan.target;
  set_keys(draft, made.embedded, made.id, host.find_format(plan.target_format)->typed_attrs, target.attrs);
  HEIRLOOM_TRY(const Layout layout, host.plan_layout(plan.target_format, target, plan.writer_options, {}));
  if (!is_same_but_for_literals(layout, plan.layout))
    return fail(Code::internal, "the writer lays the output out in another way when digests in its metadata change");
  for (const Literal& literal : layout.literals)
    HEIRLOOM_CHECK(unfinished.files[literal.file]->write(literal.offset, literal.bytes));
  return {};
}

Result<std::vector<RunFile>> written_files(const Draft& draft, const run::Unfinished& unfinished, const EventFacts& facts,
                                           const plan::Plan& plan, const model::Source& source) {
  std::vector<RunFile> files;
  for (const base::OutputFile* file : unfinished.files) {
    files.push_back({file->name(), file->size()});
    if (draft.options.hashes_files) {
      HEIRLOOM_TRY(files.back().sha256, digest_of_output(*file));
    }
  }
  for (std::size_t i = 0; i < plan.side_files.size(); ++i) {
    const plan::SideFile& file = plan.side_files[i];
    std::uint64_t size = file.bytes.size();
    if (!file.copied_from.empty()) {
      HEIRLOOM_TRY(size, source.files->size(file.copied_from));
    }
    files.push_back({file.name, size});
    if (draft.options.hashes_files)
      files.back().sha256 = facts.written[i].sha256;
  }
  return files;
}

Result<std::string> log_of(const Draft& draft, const Made& made, const RunFacts& run) {
  provenance::Log log = draft.input.found.log;
  if (!made.lineage.empty())
    log.append({made.lineage});
  log.append({made.payload});
  HEIRLOOM_TRY(const provenance::Statement statement, run_statement_of(made.id, run));
  HEIRLOOM_TRY(std::string payload, encode(statement));
  log.append({std::move(payload)});
  return log.text();
}

// The metadata as the output's reader will give it: what the built-in writers would add, and leave out.
void settle_metadata(plan::Plan& plan) {
  std::vector<Attr>& attrs = plan.target.attrs;
  if (plan.target_format == "safetensors" && find_attr(attrs, "format") == nullptr)
    attrs.insert(attrs.begin(), Attr::text("format", "pt"));
  if (plan.target_format == "gguf" && plan.layout.files.size() > 1)
    std::erase_if(attrs, [](const Attr& attr) { return attr.key.starts_with("split."); });
}

// Names of files and tensors are any bytes; a record is JSON. Found out before the hours of a conversion, not after.
Result<void> check_names(const model::Source& source, const Draft& draft, const plan::Plan& plan) {
  const auto check = [](std::string_view what, const std::string& name) -> Result<void> {
    if (base::is_utf8(name))
      return {};
    return fail(Code::misuse, "the name of the " + std::string(what) + " " + base::quoted(name) +
                                  " is not UTF-8, as a record has to be; rename it, or convert with --provenance none");
  };
  HEIRLOOM_CHECK(check("source", draft.input.name));
  for (const std::string& name : draft.input.files)
    HEIRLOOM_CHECK(check("file", name));
  for (const std::string& name : draft.read)
    HEIRLOOM_CHECK(check("file", name));
  for (const plan::SideFile& file : plan.side_files)
    HEIRLOOM_CHECK(check("file", file.name));
  for (const File& file : plan.layout.files)
    HEIRLOOM_CHECK(check("output", file.name));
  for (const EventFile& file : draft.options.given)
    HEIRLOOM_CHECK(check("file", file.name));
  for (const Tensor& tensor : source.checkpoint.tensors)
    HEIRLOOM_CHECK(check("tensor", tensor.name));
  return {};
}

// What will be known of the numbers, and words about what will not.
void plan_value_root(const arch::Maps& maps, const model::Source& source, plan::Plan& plan, Draft& draft) {
  draft.values = plan_values(source, maps, plan);
  if (!draft.values.has_source())
    plan.warnings.push_back("the record has no value root: " + draft.values.why_not);
  else if (!draft.values.has_output() && !draft.values.is_quantized)
    plan.warnings.push_back("the record has the source's value root, not one of the output: " + draft.values.why_not_kept);
}

// Files of the record beside the weights: those to come, or those of an earlier output, which must not stay.
void name_files(const Draft& draft, bool is_directory, plan::Plan& plan) {
  for (const Part part : record_parts)
    (draft.is_beside ? plan.record_files : plan.displaced_files)
        .push_back(provenance::file_name(part, is_directory ? "" : plan.layout.files.front().name));
}

}  // namespace

Result<Draft> begin_record(const host::Host& host, const arch::Maps& maps, const model::Source& source, Input input, WriteOptions options,
                           plan::Plan& plan, bool is_directory) {
  Draft draft{std::move(options), std::move(input)};
  if (draft.options.place == Place::none && draft.options.has_value_root)
    return fail(Code::misuse, "--value-root is a part of the record that --provenance none leaves out");
  if (draft.options.place == Place::none) {
    name_files(draft, is_directory, plan);
    return draft;
  }
  if (draft.options.has_value_root)
    plan_value_root(maps, source, plan, draft);
  const Format* format = host.find_format(plan.target_format);
  const bool can_embed = format->attrs && plan.layout.checksum.empty();
  if (draft.options.place == Place::embed && !can_embed)
    return fail(Code::misuse, format->id + " holds no metadata, and so no record: --provenance beside writes it into files of its own");
  draft.is_embedded = can_embed && draft.options.place != Place::beside;
  draft.is_beside = draft.options.place != Place::embed;
  settle_metadata(plan);
  HEIRLOOM_TRY(draft.read, side_files_read(source, plan));
  draft.prior = last_events(draft.input.found);
  draft.payloads = payloads_of(draft.input.found.log);
  draft.is_first = draft.payloads.empty();
  if (draft.is_first) {
    HEIRLOOM_TRY(draft.claims, claims_of(source, draft.options));
  }
  HEIRLOOM_CHECK(check_names(source, draft, plan));
  HEIRLOOM_TRY(const Made made, make_event(draft, plan, source.checkpoint, draft_facts(draft, plan)));
  if (draft.is_embedded) {
    std::uint64_t size = 0;
    for (const std::string& payload : made.embedded)
      size += payload.size();
    draft.has_events = size <= provenance::max_embedded_bytes;
    set_keys(draft, made.embedded, made.id, format->typed_attrs, plan.target.attrs);
    HEIRLOOM_TRY(plan.layout, host.plan_layout(plan.target_format, plan.target, plan.writer_options, {}));
  }
  name_files(draft, is_directory, plan);
  return draft;
}

Result<void> finish_record(const host::Host& host, const Draft& draft, const plan::Plan& plan, const model::Source& source,
                           const run::Outcome& outcome, const run::Unfinished& unfinished, RunFacts run) {
  HEIRLOOM_TRY(EventFacts facts, true_facts(draft, plan, source, outcome));
  HEIRLOOM_TRY(const std::string receipts, encode(receipts_of(plan, source.checkpoint, outcome)));
  HEIRLOOM_TRY(const provenance::Ledger items, make_ledger(plan, source));
  HEIRLOOM_TRY(const std::string ledger, encode(items));
  facts.digests.receipts = base::sha256(base::bytes_of(receipts));
  facts.digests.ledger = base::sha256(base::bytes_of(ledger));
  HEIRLOOM_TRY(const Made made, make_event(draft, plan, source.checkpoint, facts));
  if (draft.is_embedded)
    HEIRLOOM_CHECK(write_keys(host, draft, plan, made, unfinished));
  if (!draft.is_beside)
    return {};
  HEIRLOOM_TRY(run.files, written_files(draft, unfinished, facts, plan, source));
  HEIRLOOM_TRY(run.finished, now());
  HEIRLOOM_TRY(const std::string log, log_of(draft, made, run));
  const std::array<const std::string*, record_parts.size()> texts = {&receipts, &ledger, &log};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    HEIRLOOM_TRY(const base::OutputFile* file, unfinished.output.add(plan.record_files[i], texts[i]->size()));
    HEIRLOOM_CHECK(file->write(0, base::bytes_of(*texts[i])));
  }
  return {};
}

}  // namespace heirloom::record
