#include "engine/provenance/log.hpp"

#include "engine/base/text.hpp"
#include "engine/model/json_count.hpp"

#include <algorithm>
#include <set>

namespace heirloom::provenance {
namespace {

// Of a line, before it is read: an envelope has few values of its own, an event some hundred and more with its side files.
constexpr std::uint64_t max_line_bytes = 32u << 20;
constexpr std::uint64_t max_envelope_values = 256;
constexpr std::uint64_t max_statement_values = 1u << 20;
constexpr std::uint64_t max_values = 1u << 23;  // of all statements

// A statement as heirloom makes them, whatever it is passed off as.
bool is_ours(const Statement& statement) {
  const model::Json* build = statement.predicate.at("buildDefinition.buildType");
  return statement.predicate_type.starts_with(name_space) ||
         (statement.predicate_type == slsa_provenance && build != nullptr && build->text() != nullptr && build->text()->starts_with(name_space));
}

LogLine understand(std::string text) {
  LogLine line{std::move(text)};
  if (line.text.size() > max_line_bytes) {
    line.problem = "is longer than " + base::human_bytes(max_line_bytes);
    return line;
  }
  if (model::count_json_values(line.text) > max_envelope_values) {
    line.problem = "is no envelope: it has more than " + std::to_string(max_envelope_values) + " values";
    return line;
  }
  auto envelope = parse_envelope(line.text);
  if (!envelope) {
    line.problem = envelope.error().message;
    return line;
  }
  line.envelope = std::move(*envelope);
  const bool is_in_toto = line.envelope->type == payload_type;
  if (is_in_toto)
    line.id = base::to_hex(line.envelope->id());
  if (model::count_json_values(line.envelope->payload) > max_statement_values) {
    line.problem = "the statement has more than " + std::to_string(max_statement_values) + " values";
    return line;
  }
  auto statement = parse_statement(line.envelope->payload);
  if (!is_in_toto) {
    line.is_foreign = !statement || !is_ours(*statement);
    line.problem = "holds " + base::quoted(line.envelope->type) + ", not " + base::quoted(payload_type);
    return line;
  }
  if (statement)
    line.statement = std::move(*statement);
  else
    line.problem = statement.error().message;
  return line;
}

bool is_event(const LogLine& line) { return line.statement && line.statement->predicate_type == slsa_provenance; }

}  // namespace

void Log::append(const Envelope& envelope) { lines.push_back(understand(encode(envelope))); }

std::string Log::text() const {
  std::string all;
  for (const LogLine& line : lines)
    all += line.text + "\n";
  return all;
}

const LogLine* Log::find(std::string_view id) const {
  for (const LogLine& line : lines)
    if (!line.id.empty() && line.id == id)
      return &line;
  return nullptr;
}

std::vector<const LogLine*> Log::heads() const {
  std::set<std::string> followed;
  for (const LogLine& line : lines)
    if (is_event(line))
      for (std::string& id : prior_events(*line.statement))
        followed.insert(std::move(id));
  std::vector<const LogLine*> heads;
  for (const LogLine& line : lines)
    if (is_event(line) && !followed.contains(line.id))
      heads.push_back(&line);
  return heads;
}

std::vector<std::pair<std::string, std::string>> Log::missing() const {
  std::set<std::string> there;
  for (const LogLine& line : lines)
    if (line.statement)
      there.insert(line.id);
  std::vector<std::pair<std::string, std::string>> missing;
  for (const LogLine& line : lines)
    if (is_event(line))
      for (const std::string& id : prior_events(*line.statement))
        if (!there.contains(id))
          missing.emplace_back(line.id, id);
  return missing;
}

Result<Log> parse_log(std::string_view text) {
  if (text.size() > max_log_bytes)
    return fail(Code::limit, "the log is longer than " + base::human_bytes(max_log_bytes));
  Log log;
  std::uint64_t values = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    if (line.empty())
      continue;
    if (log.lines.size() == max_log_lines)
      return fail(Code::limit, "the log has more than " + std::to_string(max_log_lines) + " lines");
    log.lines.push_back(understand(std::string(line)));
    if (log.lines.back().statement)
      values += model::count_json_values(log.lines.back().envelope->payload);
    if (values > max_values)
      return fail(Code::limit, "the statements of the log have more than " + std::to_string(max_values) + " values");
  }
  return log;
}

std::vector<std::string> prior_events(const Statement& statement) {
  std::vector<std::string> ids;
  const model::Json* dependencies = statement.predicate.at("buildDefinition.resolvedDependencies");
  if (dependencies == nullptr || dependencies->array() == nullptr)
    return ids;
  for (const model::Json& dependency : *dependencies->array())
    if (const auto resource = parse_resource(dependency); resource && resource->role() == "prior-event")
      if (const std::string* id = resource->digest_of("sha256"))
        ids.push_back(*id);
  return ids;
}

Log log_of_payloads(const std::vector<std::string>& payloads) {
  Log log;
  for (const std::string& payload : payloads)
    log.append({payload});
  return log;
}

void merge(const Log& more, Log& into) {
  for (const LogLine& line : more.lines) {
    const auto same = std::find_if(into.lines.begin(), into.lines.end(), [&](const LogLine& known) {
      return known.text == line.text ||
             (known.envelope && line.envelope && known.envelope->type == line.envelope->type &&
              known.envelope->payload == line.envelope->payload);
    });
    if (same == into.lines.end())
      into.lines.push_back(line);
    else if (line.envelope && same->envelope && same->envelope->signatures.empty() && !line.envelope->signatures.empty())
      *same = line;
  }
}

}  // namespace heirloom::provenance
