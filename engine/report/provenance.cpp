#include "engine/report/provenance.hpp"

#include "engine/base/text.hpp"
#include "engine/provenance/identity.hpp"
#include "engine/report/table.hpp"
#include "engine/report/values.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace heirloom::report {
namespace {

using provenance::Activity;
using provenance::Agent;
using provenance::AgentKind;
using provenance::Claim;
using provenance::Entity;
using provenance::EntityKind;
using provenance::Graph;
using provenance::Relation;
using provenance::RelationKind;
using nlohmann::ordered_json;

constexpr std::size_t max_shown_bytes = 300;

std::string shown(std::string_view text) {
  return base::printable(text.substr(0, max_shown_bytes)) + (text.size() > max_shown_bytes ? "..." : "");
}
std::string short_id(std::string_view id) { return shown(id.substr(0, 12)); }

std::string joined(const std::vector<std::string>& parts) { return fmt::format("{}", fmt::join(parts, ", ")); }

// "README.md#/tags" of "README.md#/tags/3", so that a list is one line.
std::string_view list_of(std::string_view place) {
  const std::size_t slash = place.rfind('/');
  const bool is_item = slash != place.npos && slash + 1 < place.size() &&
                       place.substr(slash + 1).find_first_not_of("0123456789") == place.npos;
  return is_item ? place.substr(0, slash) : place;
}

std::string indented(const std::string& text, const std::string& by) {
  std::string all;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    all += by + text.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return all;
}

class Words {
 public:
  explicit Words(const Graph& graph) : graph_(graph) {}

  std::string write() && {
    const Entity& result = graph_.entities[graph_.result];
    out_ = fmt::format("{}: {}, {}{}\n", shown(graph_.name), shown(result.format),
                       graph_.architecture.empty() ? "" : shown(graph_.architecture) + ", ",
                       result.files.size() == 1 ? "1 file" : fmt::format("{} files", result.files.size()));
    for (const std::size_t place : beginnings())
      add_beginning(place);
    for (std::size_t place = 0; place < graph_.activities.size(); ++place)
      add_step(place);
    if (!graph_.activities.empty())
      add_present(result);
    add_list("Problems", graph_.problems);
    add_list("Not known", graph_.unknown);
    out_ += graph_.activities.empty()
                ? "\nThis is what the files say. Nothing proves it.\n"
                : "\nThis is what the record says. \"heirloom verify\" recomputes its digests; a signature is checked against a trust file.\n"
                  "A record says which bytes came from which bytes, not that they are harmless or that a claim is true.\n";
    return std::move(out_);
  }

 private:
  void add_list(const char* heading, const std::vector<std::string>& lines) {
    if (!lines.empty())
      out_ += fmt::format("\n{}\n", heading);
    for (const std::string& line : lines)
      out_ += "  - " + shown(line) + "\n";
  }

  // Weights that no step made, the oldest first.
  std::vector<std::size_t> beginnings() const {
    std::vector<std::size_t> all;
    for (const std::size_t place : graph_.ancestry(graph_.result))
      if (graph_.from(RelationKind::generated_by, place).empty() && (place != graph_.result || graph_.activities.empty()))
        all.push_back(place);
    std::reverse(all.begin(), all.end());
    return all;
  }

  void add_beginning(std::size_t place) {
    const Entity& entity = graph_.entities[place];
    if (place != graph_.result)
      out_ += fmt::format("\n  from  {}{}\n", shown(entity.name), form_of(entity));
    add_identity(entity);
    for (const std::size_t at : graph_.from(RelationKind::derived_from, place)) {
      const Relation& relation = graph_.relations[at];
      const Entity& source = graph_.entities[relation.to];
      if (source.kind == EntityKind::repository)
        out_ += fmt::format("        repository {}{}{}\n", shown(source.name),
                            source.revision.empty() ? "" : " at revision " + shown(source.revision), status_of(relation));
    }
    add_claims(entity);
  }

  static std::string form_of(const Entity& entity) {
    std::vector<std::string> files;
    for (const std::string& file : entity.files)
      files.push_back(shown(file));
    if (files.size() > 3)
      files = {files.front(), "...", files.back()};
    if (entity.format.empty())
      return "";
    return " (" + shown(entity.format) + (files.empty() ? "" : ": " + joined(files)) + ")";
  }

  static std::string status_of(const Relation& relation) {
    return relation.status.empty() ? "" : fmt::format(" ({}: {})", shown(relation.status), shown(relation.place));
  }

  void add_identity(const Entity& entity) {
    if (const std::string* root = entity.digest_of(provenance::stored_root_name))
      out_ += fmt::format("        weights {}\n", shown(*root));
  }

  void add_claims(const Entity& entity) {
    if (entity.claims.empty())
      return;
    out_ += "        says of itself\n";
    Table table({"", "", "", ""});
    for (std::size_t i = 0; i < entity.claims.size();) {
      const Claim& first = entity.claims[i];
      std::string values;
      std::size_t end = i;
      for (; end < entity.claims.size(); ++end) {
        const Claim& claim = entity.claims[end];
        if (claim.field != first.field || claim.status != first.status || list_of(claim.from) != list_of(first.from))
          break;
        if (values.size() < max_shown_bytes)
          values += (values.empty() ? "" : ", ") + shown(claim.value);
      }
      table.add({first.field, values, first.status, std::string(end - i == 1 ? first.from : list_of(first.from))});
      i = end;
    }
    // Without the line of headings, which says nothing here.
    const std::string text = table.text();
    out_ += indented(text.substr(text.find('\n') + 1), "          ");
  }

  void add_step(std::size_t place) {
    const Activity& activity = graph_.activities[place];
    const provenance::Resource* made = provenance::weights_of(activity.event.subject);
    out_ += fmt::format("\n  {:<4}  {} -> {}\n", place + 1, shown(activity.event.kind()), name_of_made(place));
    out_ += fmt::format("        event {}\n", short_id(activity.id));
    for (const auto& [name, value] : activity.event.parameters)
      if (!value.empty() && value != "[]" && value != "{}")
        out_ += fmt::format("        {} {}\n", shown(name), shown(value));
    for (const char* role : {"license", "notice", "model-card", "config", "tokenizer", "importance-matrix", "architecture-map", "recipe"})
      add_files_read(activity, role);
    if (!activity.finished_on().empty())
      out_ += fmt::format("        done {} to {}\n", shown(activity.started_on()), shown(activity.finished_on()));
    std::vector<std::string> programs;
    for (const std::size_t at : graph_.from(RelationKind::associated_with, place)) {
      const Agent& agent = graph_.agents[graph_.relations[at].to];
      if (agent.kind != AgentKind::software)
        continue;
      programs.push_back(shown(agent.name) + (agent.digest.empty() ? "" : " (" + short_id(agent.digest.front().second) + ")"));
    }
    if (!programs.empty())
      out_ += fmt::format("        by {}\n", joined(programs));
    if (activity.event.builder == provenance::local_builder)
      out_ += "        on a machine that nobody vouches for\n";
    else if (!activity.event.builder.empty())
      out_ += fmt::format("        builder {}\n", shown(activity.event.builder));
    add_signatures(activity);
    if (made != nullptr)
      if (const std::string* root = made->digest_of(provenance::stored_root_name))
        out_ += fmt::format("        weights {}\n", shown(*root));
  }

  void add_signatures(const Activity& activity) {
    if (!activity.vouching) {
      for (const std::string& signer : activity.signers)
        out_ += fmt::format("        a signature names key {} (not checked without --trust)\n", shown(signer));
    } else if (activity.vouching->name.empty()) {
      out_ += fmt::format("        nobody that you trust vouches for it: it {}\n", shown(activity.vouching->why_not));
    } else {
      out_ += fmt::format("        signed by {}, whom you trust\n", base::quoted(activity.vouching->name));
    }
  }

  // What a step made, by the name under which the next one or the user has it.
  std::string name_of_made(std::size_t place) const {
    for (const std::size_t at : graph_.to(RelationKind::generated_by, place)) {
      const std::size_t made = graph_.relations[at].from;
      if (graph_.entities[made].kind == EntityKind::weights)
        return shown(made == graph_.result ? graph_.name : graph_.entities[made].name);
    }
    return "?";
  }

  void add_files_read(const Activity& activity, std::string_view role) {
    std::vector<std::string> names;
    for (const provenance::Resource& dependency : activity.event.dependencies)
      if (dependency.role() == role) {
        const std::string* sha256 = dependency.digest_of("sha256");
        const std::string_view option = dependency.option();
        names.push_back(shown(dependency.name) + (option.empty() ? "" : " of --" + shown(option)) +
                        (sha256 == nullptr ? "" : " (" + short_id(*sha256) + ")"));
      }
    if (names.size() > 4)
      names = {names.front(), fmt::format("{} more", names.size() - 1)};
    if (!names.empty())
      out_ += fmt::format("        {} {}\n", role, joined(names));
  }

  void add_present(const Entity& result) {
    out_ += fmt::format("\n  here  {}{}\n", shown(graph_.name), form_of(result));
    for (std::size_t i = 0; i < graph_.files.size(); ++i)
      if (const provenance::RunFile& file = graph_.files[i]; file.sha256)
        out_ += fmt::format("        sha256 {}  {}{}\n", base::to_hex(*file.sha256), shown(file.name),
                            i < graph_.read_count ? "" : " (says its run; the file was not read)");
    add_claims(result);
  }

  const Graph& graph_;
  std::string out_;
};

ordered_json texts(const provenance::Texts& all) {
  ordered_json object = ordered_json::object();
  for (const auto& [key, value] : all)
    object[key] = value;
  return object;
}

ordered_json json_of(const Entity& entity) {
  ordered_json json = {{"kind", provenance::word(entity.kind)}, {"name", entity.name}};
  for (const auto& [key, value] : {std::pair<const char*, const std::string&>{"role", entity.role},
                                   {"uri", entity.uri}, {"revision", entity.revision}, {"format", entity.format}})
    if (!value.empty())
      json[key] = value;
  if (!entity.digest.empty())
    json["digest"] = texts(entity.digest);
  if (!entity.files.empty())
    json["files"] = entity.files;
  for (const Claim& claim : entity.claims)
    json["claims"].push_back({{"field", claim.field}, {"value", claim.value}, {"status", claim.status}, {"from", claim.from}});
  return json;
}

ordered_json json_of(const Activity& activity) {
  ordered_json json = {{"event", activity.id}, {"kind", activity.event.kind()}, {"buildType", activity.event.build_type},
                       {"parameters", texts(activity.event.parameters)}, {"builder", activity.event.builder},
                       {"startedOn", nullptr}, {"finishedOn", nullptr}, {"signatureKeys", activity.signers}};
  if (!activity.started_on().empty())
    json["startedOn"] = activity.started_on();
  if (!activity.finished_on().empty())
    json["finishedOn"] = activity.finished_on();
  if (activity.vouching)
    json["vouching"] = {{"name", activity.vouching->name}, {"whyNot", activity.vouching->why_not}};
  return json;
}

}  // namespace

std::string provenance_text(const Graph& graph) { return Words(graph).write(); }

std::string provenance_json(const Graph& graph) {
  ordered_json json = {{"name", graph.name}, {"result", graph.result}};
  for (const char* list : {"entities", "activities", "agents", "relations"})
    json[list] = ordered_json::array();
  for (const Entity& entity : graph.entities)
    json["entities"].push_back(json_of(entity));
  for (const Activity& activity : graph.activities)
    json["activities"].push_back(json_of(activity));
  for (const Agent& agent : graph.agents)
    json["agents"].push_back({{"kind", provenance::word(agent.kind)}, {"name", agent.name}, {"digest", texts(agent.digest)}});
  for (const Relation& relation : graph.relations) {
    ordered_json made = {{"type", provenance::word(relation.kind)}, {"from", relation.from}, {"to", relation.to}};
    if (!relation.status.empty()) {
      made["status"] = relation.status;
      made["place"] = relation.place;
    }
    json["relations"].push_back(std::move(made));
  }
  json["unknown"] = graph.unknown;
  json["problems"] = graph.problems;
  return dump(json);
}

}  // namespace heirloom::report
