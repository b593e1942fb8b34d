#include "engine/record/run_statement.hpp"

#include "engine/base/text.hpp"
#include "engine/provenance/uuid.hpp"

#include <array>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <string_view>

namespace heirloom::record {
namespace {

using model::Json;

constexpr std::int64_t last_second = 253'402'300'799;  // of the year 9999

std::string date_text(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 32> text;
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

Json pairs_json(const std::vector<std::pair<std::string, std::string>>& pairs) {
  Json::Object object;
  for (const auto& [name, value] : pairs)
    object.emplace_back(name, Json(value));
  return Json(std::move(object));
}

Json files_json(const std::vector<RunFile>& files) {
  Json::Array all;
  for (const RunFile& file : files) {
    Json::Object object{{"name", Json(file.name)}, {"size", Json(Json::Value(file.size))}};
    if (file.sha256)
      object.emplace_back("sha256", Json(base::to_hex(*file.sha256)));
    all.emplace_back(std::move(object));
  }
  return Json(std::move(all));
}

}  // namespace

Result<std::optional<std::int64_t>> fixed_time() {
  const char* set = std::getenv("SOURCE_DATE_EPOCH");
  if (set == nullptr || *set == '\0')
    return std::nullopt;
  const std::string_view text(set);
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0 || seconds > last_second)
    return fail(Code::misuse, "SOURCE_DATE_EPOCH is " + base::quoted(text) + ", not a number of seconds since 1970");
  return seconds;
}

Result<std::int64_t> now() {
  HEIRLOOM_TRY(const auto fixed, fixed_time());
  return fixed ? *fixed : static_cast<std::int64_t>(std::time(nullptr));
}

Result<provenance::Statement> run_statement_of(const std::string& event_id, const RunFacts& facts) {
  HEIRLOOM_TRY(const auto fixed, fixed_time());
  Json::Array programs;
  for (const auto& [name, digest] : facts.programs) {
    provenance::Resource program;
    program.name = name;
    program.digest = {{"sha256", base::to_hex(digest)}};
    programs.push_back(to_json(program));
  }
  provenance::Statement statement;
  provenance::Resource event;
  event.name = "event";
  event.digest = {{"sha256", event_id}};
  statement.subject = {event};
  statement.predicate_type = provenance::run_type;
  const std::string id = fixed ? provenance::uuid_v5(std::string(provenance::name_space) + "event/" + event_id) : provenance::random_uuid();
  statement.predicate = Json(Json::Object{{"event", Json(event_id)},
                                          {"invocationId", Json("urn:uuid:" + id)},
                                          {"startedOn", Json(date_text(facts.started))},
                                          {"finishedOn", Json(date_text(facts.finished))},
                                          {"builderDependencies", Json(std::move(programs))},
                                          {"internalParameters", pairs_json(facts.parameters)},
                                          {"files", files_json(facts.files)}});
  return statement;
}

}  // namespace heirloom::record
