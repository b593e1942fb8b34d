#include "engine/record/found.hpp"

#include "engine/base/text.hpp"
#include "engine/host/host.hpp"
#include "engine/model/json_count.hpp"
#include "engine/provenance/names.hpp"

#include <set>

namespace heirloom::record {
namespace {

using provenance::Part;

std::string_view text_of(const std::vector<std::uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A part that lies beside the checkpoint, or nothing.
Result<std::optional<std::vector<std::uint8_t>>> read_part(const model::Source& source, Part part, std::uint64_t limit) {
  const std::string name = provenance::file_name(part, record_base(source));
  HEIRLOOM_TRY(const bool is_there, source.files->exists(name));
  if (!is_there)
    return std::nullopt;
  HEIRLOOM_TRY(auto bytes, source.files->read_all(name, limit));
  return bytes;
}

void note(const model::Source& source, Part part, const Error& error, Found& found) {
  found.problems.push_back(source.files->display(provenance::file_name(part, record_base(source))) + ": " + error.message);
}

// Payloads of embedded events: an array in GGUF, JSON text where metadata is text.
std::vector<std::string> embedded_payloads(const Checkpoint& checkpoint, Found& found) {
  const Attr* attr = find_attr(checkpoint.attrs, provenance::events_key);
  if (attr == nullptr)
    return {};
  if (attr->is_array_of(AttrType::string))
    return attr->strings;
  std::vector<std::string> payloads;
  const std::string_view text = attr->get_text().value_or("");
  if (model::count_json_values(text) > provenance::max_log_lines) {
    found.problems.push_back("key " + base::quoted(provenance::events_key) + " holds too many events");
    return {};
  }
  const auto json = model::parse_json(text);
  if (!json || json->array() == nullptr) {
    found.problems.push_back("key " + base::quoted(provenance::events_key) + " is no list of events");
    return {};
  }
  for (const model::Json& payload : *json->array()) {
    if (payload.text() == nullptr) {
      found.problems.push_back("key " + base::quoted(provenance::events_key) + " holds something other than text");
      return {};
    }
    payloads.push_back(*payload.text());
  }
  return payloads;
}

}  // namespace

std::string record_base(const model::Source& source) {
  const std::string& primary = source.files->primary();
  if (primary.empty())
    return "";
  const std::string file = source.checkpoint.files.empty() ? primary : source.checkpoint.files.front().name;
  // A file of a usual name, or an index, stands for its directory, unless it has a record of its own.
  const bool may_stand = host::is_usual_name(primary) || primary.ends_with(".index.json");
  const bool is_own = source.files->has(provenance::file_name(Part::log, file));
  return may_stand && !is_own && source.files->has(provenance::file_name(Part::log, "")) ? "" : file;
}

Result<Found> find_record(const model::Source& source) {
  Found found;
  HEIRLOOM_TRY(const auto log, read_part(source, Part::log, provenance::max_log_bytes));
  if (log) {
    found.has_log_file = true;
    if (auto parsed = provenance::parse_log(text_of(*log)))
      found.log = std::move(*parsed);
    else
      note(source, Part::log, parsed.error(), found);
  }
  HEIRLOOM_TRY(const auto receipts, read_part(source, Part::receipts, provenance::max_receipts_bytes));
  if (receipts) {
    found.receipts_sha256 = base::sha256(*receipts);
    if (auto parsed = provenance::parse_receipts(text_of(*receipts)))
      found.receipts = std::move(*parsed);
    else
      note(source, Part::receipts, parsed.error(), found);
  }
  HEIRLOOM_TRY(const auto ledger, read_part(source, Part::ledger, provenance::max_ledger_bytes));
  if (ledger) {
    found.ledger_sha256 = base::sha256(*ledger);
    if (auto parsed = provenance::parse_ledger(text_of(*ledger)))
      found.ledger = std::move(*parsed);
    else
      note(source, Part::ledger, parsed.error(), found);
  }
  const auto payloads = embedded_payloads(source.checkpoint, found);
  found.has_embedded = !payloads.empty();
  const provenance::Log embedded = provenance::log_of_payloads(payloads);
  for (const provenance::LogLine& line : embedded.lines)
    if (found.has_log_file && found.log.find(line.id) == nullptr)
      found.only_embedded.push_back(line.id);
  provenance::merge(embedded, found.log);
  if (const Attr* head = find_attr(source.checkpoint.attrs, provenance::head_key))
    found.head = head->get_text().value_or("");
  return found;
}

std::vector<std::string> last_events(const Found& found) {
  const auto leads_to_head = [&](const std::string& last) {
    std::set<std::string> seen;
    for (std::vector<std::string> open{last}; !open.empty();) {
      const std::string id = std::move(open.back());
      open.pop_back();
      if (id == found.head)
        return true;
      const provenance::LogLine* line = seen.insert(id).second ? found.log.find(id) : nullptr;
      if (line != nullptr && line->statement)
        for (std::string& prior : provenance::prior_events(*line->statement))
          open.push_back(std::move(prior));
    }
    return false;
  };
  std::vector<std::string> all, of_head;
  for (const provenance::LogLine* line : found.log.heads()) {
    all.push_back(line->id);
    if (leads_to_head(all.back()))
      of_head.push_back(all.back());
  }
  return of_head.empty() ? all : of_head;
}

}  // namespace heirloom::record
