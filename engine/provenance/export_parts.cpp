#include "engine/provenance/export_parts.hpp"

#include "engine/base/bytes.hpp"
#include "engine/base/digest.hpp"
#include "engine/base/safe_json.hpp"
#include "engine/provenance/addresses.hpp"
#include "engine/provenance/licences.hpp"
#include "engine/provenance/statement.hpp"
#include "engine/provenance/uuid.hpp"

#include <algorithm>
#include <array>

namespace heirloom::provenance {
namespace {

constexpr std::array formats = {ExportFormat{"cyclonedx-1.6", export_cyclonedx_1_6}, ExportFormat{"cyclonedx-1.7", export_cyclonedx_1_7},
                                ExportFormat{"slsa", export_slsa}, ExportFormat{"spdx-3.0.1", export_spdx}};

int number_at(std::string_view text, std::size_t at, std::size_t count) {
  int number = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9')
      return -1;
    number = number * 10 + (text[i] - '0');
  }
  return number;
}

bool is_name_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
}

// The part of a claim's place that a list shares: "README.md#/license" of "README.md#/license/1".
std::string_view list_of(std::string_view place) {
  const std::size_t slash = place.rfind('/');
  const bool is_item = slash != place.npos && slash + 1 < place.size() &&
                       place.substr(slash + 1).find_first_not_of("0123456789") == place.npos;
  return is_item ? place.substr(0, slash) : place;
}

}  // namespace

std::span<const ExportFormat> export_formats() { return formats; }

std::string text_of(const OrderedJson& json) { return base::safe_json(json.dump(2, ' ', false, OrderedJson::error_handler_t::replace)) + "\n"; }

bool is_plain_time(std::string_view text) {
  if (text.size() != 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[19] != 'Z')
    return false;
  const int year = number_at(text, 0, 4), month = number_at(text, 5, 2), day = number_at(text, 8, 2);
  const int hour = number_at(text, 11, 2), minute = number_at(text, 14, 2), second = number_at(text, 17, 2);
  if (year < 1 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
    return false;
  constexpr std::array days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= days[static_cast<std::size_t>(month - 1)] + (month == 2 && is_leap ? 1 : 0);
}

std::string document_time(const Graph& graph, const ExportOptions& options) {
  if (is_plain_time(options.time))
    return options.time;
  if (graph.last && is_plain_time(graph.activities[*graph.last].finished_on()))
    return graph.activities[*graph.last].finished_on();
  return std::string(unknown_time);
}

std::string document_id(const Graph& graph, const ExportOptions& options, std::string_view format) {
  std::string all;
  const auto add = [&](std::string_view text) { all.append(std::to_string(text.size())).append(":").append(text); };
  add(format);
  add(options.program_version);
  add(document_time(graph, options));
  add(graph.name);
  for (const Activity& activity : graph.activities)
    add(activity.id);
  for (const auto& [algorithm, value] : graph.entities[graph.result].digest) {
    add(algorithm);
    add(value);
  }
  for (const Claim& claim : graph.entities[graph.result].claims)
    for (const std::string* text : {&claim.field, &claim.value, &claim.status, &claim.from})
      add(*text);
  for (const RunFile& file : graph.files)
    add(file.name + (file.sha256 ? base::to_hex(*file.sha256) : ""));
  const base::Digest digest = base::sha256(base::bytes_of(all));
  return "urn:uuid:" + uuid_v5(std::string(name_space) + "document/" + base::to_hex(digest));
}

std::optional<LicenceHere> licence_of(const Graph& graph, std::size_t weights) {
  for (const std::size_t place : graph.ancestry(weights)) {
    const auto relations = graph.from(RelationKind::licensed_under, place);
    if (relations.empty())
      continue;
    LicenceHere licence{"", relations.front()};
    std::vector<std::string> parts;
    const Entity& entity = graph.entities[place];
    const auto named = std::find_if(entity.claims.begin(), entity.claims.end(), [](const Claim& claim) { return claim.field == "license-name"; });
    const std::string own_name = named == entity.claims.end() ? "" : named->value;
    for (const std::size_t at : relations)
      if (list_of(graph.relations[at].place) == list_of(graph.relations[relations.front()].place)) {
        std::string part = spdx_of(graph.entities[graph.relations[at].to].name, own_name);
        if (std::find(parts.begin(), parts.end(), part) == parts.end())
          parts.push_back(std::move(part));
      }
    for (const std::string& part : parts) {
      const bool is_compound = parts.size() > 1 && part.find(' ') != part.npos;
      licence.expression += (licence.expression.empty() ? "" : " AND ") + (is_compound ? "(" + part + ")" : part);
    }
    return licence;
  }
  return std::nullopt;
}

std::string package_url(const Graph& graph, std::size_t entity) {
  const Entity& of = graph.entities[entity];
  if (of.kind == EntityKind::base_model) {
    const auto name = hub_name(of.name);
    return name ? hub_package_url(*name, "") : "";
  }
  for (const std::size_t at : graph.from(RelationKind::derived_from, entity)) {
    const Entity& source = graph.entities[graph.relations[at].to];
    const auto name = source.kind == EntityKind::repository ? hub_name(source.uri) : std::nullopt;
    if (name)
      return hub_package_url(*name, source.revision, of.files.size() == 1 ? of.files.front() : "");
  }
  return "";
}

std::vector<std::size_t> datasets_of(const Graph& graph, std::size_t weights) {
  std::vector<std::size_t> all;
  for (const std::size_t place : graph.ancestry(weights))
    for (const std::size_t at : graph.from(RelationKind::trained_on, place))
      if (std::find(all.begin(), all.end(), graph.relations[at].to) == all.end())
        all.push_back(graph.relations[at].to);
  return all;
}

std::vector<std::size_t> base_model_relations(const Graph& graph, std::size_t weights) {
  std::vector<std::size_t> all;
  for (const std::size_t place : graph.ancestry(weights))
    for (const std::size_t at : graph.from(RelationKind::derived_from, place)) {
      const std::size_t to = graph.relations[at].to;
      const bool is_known = std::any_of(all.begin(), all.end(), [&](std::size_t known) { return graph.relations[known].to == to; });
      if (graph.entities[to].kind == EntityKind::base_model && !is_known)
        all.push_back(at);
    }
  return all;
}

const Claim* claim_of(const Graph& graph, std::size_t weights, std::string_view field) {
  for (const std::size_t place : graph.ancestry(weights))
    for (const Claim& claim : graph.entities[place].claims)
      if (claim.field == field)
        return &claim;
  return nullptr;
}

std::string task_of(const Graph& graph, std::size_t weights) {
  for (const std::size_t place : graph.ancestry(weights))
    for (const Claim& claim : graph.entities[place].claims)
      if (claim.field == "tag" && claim.from == "README.md#/pipeline_tag")
        return claim.value;
  return "";
}

std::vector<RunFile> files_of(const Graph& graph, std::size_t weights) {
  std::vector<RunFile> files;
  if (weights == graph.result)
    files = graph.files;
  for (const std::size_t at : graph.from(RelationKind::generated_by, weights)) {
    const Activity& activity = graph.activities[graph.relations[at].to];
    const auto is_side_file = [&](const RunFile& file) {
      return std::any_of(activity.event.subject.begin(), activity.event.subject.end(), [&](const Resource& subject) {
        return subject.name == file.name && &subject != weights_of(activity.event.subject);
      });
    };
    if (weights != graph.result && activity.run)
      for (const RunFile& file : activity.run->files)
        if (!is_side_file(file))
          files.push_back(file);
  }
  return files;
}

std::string relative_reference(std::string_view name) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string reference;
  for (const char c : name) {
    if (is_name_character(c) || c == '_' || c == '~') {
      reference += c;
    } else {
      reference += '%';
      reference += digits[static_cast<unsigned char>(c) >> 4];
      reference += digits[static_cast<unsigned char>(c) & 15];
    }
  }
  return reference;
}

}  // namespace heirloom::provenance
