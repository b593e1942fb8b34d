#include "engine/record/annotation.hpp"

#include "engine/base/bytes.hpp"
#include "engine/provenance/event.hpp"
#include "engine/provenance/names.hpp"
#include "engine/record/event.hpp"

#include <algorithm>
#include <set>
#include <span>

namespace heirloom::record {
namespace {

using model::Json;
using provenance::Resource;

constexpr std::string_view weights_subject = "weights";

Json text(std::string_view value) { return Json(std::string(value)); }

Resource with_role(Resource resource, std::string_view role) {
  resource.annotations.emplace_back("role", text(role));
  return resource;
}

Resource by_sha256(std::string name, std::string digest) {
  Resource resource;
  resource.name = std::move(name);
  resource.digest = {{"sha256", std::move(digest)}};
  return resource;
}

Resource weights(std::string name, const WeightRoots& roots, const base::Digest& metadata) {
  return weights_resource(std::move(name), roots.stored, roots.value, metadata);
}

// The last events of a record, as far as they can be read.
std::vector<provenance::Event> read_last(const Found& found) {
  std::vector<provenance::Event> events;
  for (const std::string& id : last_events(found))
    if (const provenance::LogLine* line = found.log.find(id); line != nullptr && line->statement)
      if (auto event = provenance::parse_event(*line->statement))
        events.push_back(std::move(*event));
  return events;
}

std::optional<base::Digest> digest_of(const Resource& resource, std::string_view algorithm) {
  const std::string* hex = resource.digest_of(algorithm);
  return hex == nullptr ? std::nullopt : provenance::parse_digest(*hex);
}

// Receipts, where there are some, are of exactly these tensors.
bool has_these_tensors(const Checkpoint& checkpoint, const Found& found) {
  if (!found.receipts)
    return true;
  std::set<std::pair<std::string_view, std::string_view>> recorded;
  for (const provenance::Receipt& receipt : *found.receipts)
    if (receipt.out)
      recorded.emplace(receipt.out->name, receipt.out->encoding);
  return recorded.size() == checkpoint.tensors.size() &&
         std::all_of(checkpoint.tensors.begin(), checkpoint.tensors.end(),
                     [&](const Tensor& tensor) { return recorded.contains({tensor.name, tensor.encoding}); });
}

std::string recorded_text(const std::string& value) {
  return value.size() <= max_recorded_value_bytes ? value : "sha256:" + base::to_hex(base::sha256(base::bytes_of(value)));
}

Json parameters(const AnnotationInput& input) {
  Json::Object set;
  Json::Array removed;
  for (const RecordedChange& change : input.changes)
    if (change.value)
      set.emplace_back(change.key, Json(recorded_text(*change.value)));
    else
      removed.emplace_back(change.key);
  const std::string& format = input.source->checkpoint.format;
  return Json(Json::Object{{"source", Json(input.name)},
                           {"sourceFormat", Json(format)},
                           {"target", Json(format)},
                           {"set", Json(std::move(set))},
                           {"remove", Json(std::move(removed))}});
}

Json dependencies(const AnnotationInput& input, const std::string& lineage_id) {
  Json::Array all, files;
  for (const File& file : input.source->checkpoint.files)
    files.emplace_back(file.name);
  Resource before = with_role(weights(input.name, input.roots, provenance::metadata_root(input.source->checkpoint.attrs)), "weights");
  before.annotations.emplace_back("format", Json(input.source->checkpoint.format));
  before.annotations.emplace_back("files", Json(std::move(files)));
  all.push_back(to_json(before));
  for (const Resource& read : input.read)
    all.push_back(to_json(read));
  std::vector<std::string> prior = last_events(*input.found);
  if (!lineage_id.empty())
    prior.push_back(lineage_id);
  for (const std::string& id : prior)
    all.push_back(to_json(with_role(by_sha256("", id), "prior-event")));
  return Json(std::move(all));
}

// Side files of the last events, with those that are written now in their place.
std::vector<Resource> side_files(const AnnotationInput& input) {
  std::vector<Resource> files;
  const auto put = [&](const Resource& file) {
    const auto same = std::find_if(files.begin(), files.end(), [&](const Resource& other) { return other.name == file.name; });
    if (same == files.end())
      files.push_back(file);
    else
      *same = file;
  };
  for (const provenance::Event& event : read_last(*input.found))
    for (const Resource& resource : event.subject)
      if (&resource != provenance::weights_of(event.subject))
        put(resource);
  for (const Resource& file : input.files)
    put(file);
  return files;
}

Json byproducts(const AnnotationInput& input, const std::optional<std::string>& ledger) {
  Json::Array all;
  std::string receipts = input.found->receipts_sha256 ? base::to_hex(*input.found->receipts_sha256) : "";
  const std::string old_ledger = input.found->ledger_sha256 ? base::to_hex(*input.found->ledger_sha256) : "";
  for (const provenance::Event& event : read_last(*input.found))
    for (const Resource& made : event.byproducts)
      if (const std::string* hex = made.digest_of("sha256"); hex != nullptr && made.name == "tensor-receipts.jsonl" && receipts.empty())
        receipts = *hex;
  if (!receipts.empty())
    all.push_back(to_json(by_sha256("tensor-receipts.jsonl", receipts)));
  const std::string digest = ledger ? base::to_hex(base::sha256(base::bytes_of(*ledger))) : old_ledger;
  if (!digest.empty())
    all.push_back(to_json(by_sha256("metadata-ledger.json", digest)));
  return Json(std::move(all));
}

provenance::Statement annotation_event(const AnnotationInput& input, const std::string& lineage_id, const std::optional<std::string>& ledger) {
  provenance::Statement event;
  event.predicate_type = provenance::slsa_provenance;
  event.subject = {weights(std::string(weights_subject), input.roots, provenance::metadata_root(input.attrs))};
  for (Resource& file : side_files(input))
    event.subject.push_back(std::move(file));
  const Json definition(Json::Object{{"buildType", text(std::string(provenance::name_space) + "annotate/v1")},
                                     {"externalParameters", parameters(input)},
                                     {"resolvedDependencies", dependencies(input, lineage_id)}});
  const Json builder(Json::Object{{"id", text(provenance::local_builder)},
                                  {"version", Json(Json::Object{{"heirloom", text(HEIRLOOM_VERSION)}})}});
  event.predicate = Json(Json::Object{{"buildDefinition", definition},
                                      {"runDetails", Json(Json::Object{{"builder", builder}, {"byproducts", byproducts(input, ledger)}})}});
  return event;
}

// Items of a container without a record: all that it has is carried, but for what changes now.
std::vector<provenance::LedgerItem> first_items(const AnnotationInput& input) {
  std::vector<provenance::LedgerItem> items;
  const std::string prefix = input.is_typed ? "key:" : "metadata:";
  for (const Attr& attr : input.source->checkpoint.attrs) {
    if (!provenance::is_part_of_root(attr.key))
      continue;
    provenance::LedgerItem item{prefix + attr.key, "carried", attr.key};
    const Attr* now = find_attr(input.attrs, attr.key);
    if (now == nullptr)
      item = {prefix + attr.key, "dropped", "", "removed by annotate"};
    else if (!(*now == attr))
      item = {prefix + attr.key, "dropped", "", "replaced by annotate"};
    item.sha256 = provenance::attr_digest(attr);
    items.push_back(std::move(item));
  }
  return items;
}

// The ledger with the output's metadata as it is from now on; nothing where no file has it.
Result<std::optional<std::string>> ledger_of(const AnnotationInput& input, bool has_files) {
  if (!has_files || (input.found->ledger_sha256 && !input.found->ledger))
    return std::nullopt;
  provenance::Ledger ledger = input.found->ledger ? *input.found->ledger : provenance::Ledger{first_items(input), {}};
  ledger.outputs.clear();
  for (const Attr& attr : input.attrs)
    if (provenance::is_part_of_root(attr.key))
      ledger.outputs.push_back({attr.key, provenance::attr_digest(attr)});
  HEIRLOOM_TRY(std::string text, encode(ledger));
  return text;
}

// Replaced where it stands, or put behind all others; nothing takes it away.
void put_key(std::string_view key, std::optional<Attr> attr, std::vector<Attr>& attrs) {
  const auto found = std::find_if(attrs.begin(), attrs.end(), [&](const Attr& one) { return one.key == key; });
  if (found != attrs.end() && attr)
    *found = std::move(*attr);
  else if (found != attrs.end())
    attrs.erase(found);
  else if (attr)
    attrs.push_back(std::move(*attr));
}

void embed(const provenance::Log& log, const std::string& head, bool is_typed, std::vector<Attr>& attrs) {
  std::vector<std::string> payloads;
  std::size_t size = 0;
  for (const provenance::LogLine& line : log.lines)
    if (line.statement && line.statement->predicate_type != provenance::run_type) {
      payloads.push_back(line.envelope->payload);
      size += payloads.back().size();
    }
  std::optional<Attr> events;
  if (size <= provenance::max_embedded_bytes && is_typed) {
    events = Attr::texts(std::string(provenance::events_key), payloads);
  } else if (size <= provenance::max_embedded_bytes) {
    Json::Array texts;
    for (const std::string& payload : payloads)
      texts.emplace_back(payload);
    events = Attr::text(std::string(provenance::events_key), Json(std::move(texts)).dump());
  }
  put_key(provenance::events_key, std::move(events), attrs);
  put_key(provenance::head_key, Attr::text(std::string(provenance::head_key), head), attrs);
}

void put_version(bool is_typed, std::vector<Attr>& attrs) {
  const std::string key(provenance::version_key);
  if (find_attr(attrs, key) == nullptr)
    attrs.push_back(is_typed ? Attr::scalar(key, provenance::record_version) : Attr::text(key, std::to_string(provenance::record_version)));
}

}  // namespace

Result<std::optional<WeightRoots>> recorded_roots(const model::Source& source, const Found& found) {
  std::optional<WeightRoots> roots;
  for (const provenance::Event& event : read_last(found)) {
    const Resource* resource = provenance::weights_of(event.subject);
    const auto stored = resource == nullptr ? std::nullopt : digest_of(*resource, provenance::stored_root_name);
    if (!stored)
      continue;
    if (roots && roots->stored != *stored)
      return fail(Code::unsupported, "the record has several last events, of different weights");
    roots = WeightRoots{*stored, digest_of(*resource, provenance::value_root_name)};
  }
  return has_these_tensors(source.checkpoint, found) ? roots : std::nullopt;
}

bool is_changed_unrecorded(const model::Source& source, const Found& found) {
  const base::Digest root = provenance::metadata_root(source.checkpoint.attrs);
  const std::vector<provenance::Event> events = read_last(found);
  return !events.empty() && std::none_of(events.begin(), events.end(), [&](const provenance::Event& event) {
    const Resource* resource = provenance::weights_of(event.subject);
    return resource != nullptr && digest_of(*resource, provenance::metadata_root_name) == root;
  });
}

Result<Renewed> renew_record(const AnnotationInput& given) {
  AnnotationInput input = given;
  Renewed out;
  const bool has_record = !last_events(*input.found).empty();
  const bool embeds = input.may_embed && (!has_record || input.found->has_embedded || !input.found->head.empty());
  out.has_log_file = input.found->has_log_file || !embeds || !has_record;
  if (embeds)
    put_version(input.is_typed, input.attrs);
  HEIRLOOM_TRY(const auto ledger, ledger_of(input, out.has_log_file));
  out.log = input.found->log;
  std::string lineage_id;
  if (input.lineage) {
    HEIRLOOM_TRY(std::string payload, encode(*input.lineage));
    lineage_id = base::to_hex(base::sha256(base::bytes_of(payload)));
    out.log.append({std::move(payload)});
  }
  HEIRLOOM_TRY(std::string payload, encode(annotation_event(input, lineage_id, ledger)));
  out.event = base::to_hex(base::sha256(base::bytes_of(payload)));
  out.log.append({std::move(payload)});
  if (embeds)
    embed(out.log, out.event, input.is_typed, input.attrs);
  out.attrs = std::move(input.attrs);
  if (ledger && (!input.found->ledger || base::sha256(base::bytes_of(*ledger)) != *input.found->ledger_sha256))
    out.files.push_back({provenance::file_name(provenance::Part::ledger, record_base(*input.source)), *ledger});
  return out;
}

}  // namespace heirloom::record
