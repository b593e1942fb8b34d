#include "engine/provenance/graph.hpp"

#include "engine/base/text.hpp"
#include "engine/provenance/addresses.hpp"
#include "engine/provenance/graph_parts.hpp"
#include "engine/provenance/identity.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace heirloom::provenance {
namespace {

std::string short_id(std::string_view id) { return std::string(id.substr(0, 12)); }

// What an event calls its output, which may be renamed; a later event calls its source by the name that it had.
constexpr std::string_view general_name = "weights";

// A weights entity is what its roots say, whatever it is called.
std::string key_of(const Resource& weights) {
  const std::string* stored = weights.digest_of(stored_root_name);
  const std::string* metadata = weights.digest_of(metadata_root_name);
  return (stored == nullptr ? "" : *stored) + "/" + (metadata == nullptr ? "" : *metadata);
}

// What a source says of itself.
struct Lineage {
  std::string id;
  std::vector<Resource> subject;
  std::vector<Claim> claims;
};

class Builder {
 public:
  Builder(const Log& log, const Present& present) : present_(present) {
    graph_.name = present.name;
    graph_.architecture = present.architecture;
    read(log);
  }

  Graph build() && {
    const std::string head = find_head();
    if (!head.empty())
      follow(head);
    for (const auto& [id, activity] : order_)
      if (!is_full())
        add_activity(*activity);
    if (is_full())
      graph_.problems.push_back("the record has more than " + std::to_string(max_relations) + " relations, and is shown in part");
    add_lineage();
    add_present(head);
    relate_claims(graph_);
    find_unknown(graph_);
    return std::move(graph_);
  }

 private:
  void note(const LogLine& line, const std::string& what) {
    graph_.problems.push_back("event " + short_id(line.id) + ": " + what);
  }

  void read(const Log& log) {
    std::size_t not_understood = 0;
    for (const LogLine& line : log.lines)
      if (line.statement)
        read_statement(line);
      else
        ++not_understood;
    if (not_understood != 0)
      graph_.problems.push_back(std::to_string(not_understood) + " lines of the log hold no statement");
  }

  void read_statement(const LogLine& line) {
    const std::string id = line.id;
    const Statement& statement = *line.statement;
    ids_.insert(id);
    if (statement.predicate_type == slsa_provenance) {
      auto event = parse_event(statement);
      if (!event)
        return note(line, event.error().message);
      Activity activity{id, std::move(*event)};
      for (const Signature& signature : line.envelope->signatures)
        activity.signers.push_back(signature.key_id);
      if (events_.try_emplace(id, std::move(activity)).second)
        in_log_order_.push_back(id);
    } else if (statement.predicate_type == run_type) {
      auto run = parse_run(statement);
      if (!run)
        return note(line, run.error().message);
      const std::string event = run->event;
      runs_.try_emplace(event, std::move(*run));
    } else if (statement.predicate_type == lineage_type) {
      auto claims = parse_lineage(statement.predicate);
      if (!claims)
        return note(line, claims.error().message);
      lineage_.push_back({id, statement.subject, std::move(*claims)});
    }
  }

  std::vector<std::string> priors_of(const Activity& activity) const {
    std::vector<std::string> ids;
    for (const Resource& dependency : activity.event.dependencies)
      if (dependency.role() == "prior-event")
        if (const std::string* id = dependency.digest_of("sha256"))
          ids.push_back(*id);
    return ids;
  }

  bool is_of_present_metadata(const Activity& activity) const {
    const Resource* weights = weights_of(activity.event.subject);
    const std::string* root = weights == nullptr ? nullptr : weights->digest_of(metadata_root_name);
    return root != nullptr && present_.metadata_root && *root == base::to_hex(*present_.metadata_root);
  }

  // The id of the event that made the checkpoint: the one it names, the one whose metadata it has, or the only last one.
  std::string find_head() {
    if (!present_.head.empty()) {
      if (events_.contains(present_.head))
        return present_.head;
      graph_.problems.push_back("the checkpoint names event " + short_id(present_.head) + " as its last one, and no line of the log is it");
    }
    std::set<std::string> followed;
    for (const auto& [id, activity] : events_)
      for (std::string& prior : priors_of(activity))
        followed.insert(std::move(prior));
    std::vector<std::string> last;
    for (const std::string& id : in_log_order_)
      if (!followed.contains(id))
        last.push_back(id);
    for (const std::string& id : last)
      if (is_of_present_metadata(events_.at(id)))
        return id;
    if (last.size() > 1)
      graph_.problems.push_back("the log ends in " + std::to_string(last.size()) + " events, and none says that it made this checkpoint");
    return last.size() == 1 ? last.front() : "";
  }

  // Puts an event and all that it follows in order, each after those that it follows. Ids are digests of what holds the
  // earlier ids, so there is no circle; a log may be long, so there is no recursion.
  void follow(const std::string& head) {
    std::set<std::string> done, missing;
    std::vector<std::pair<std::string, bool>> open = {{head, false}};
    while (!open.empty()) {
      const auto [id, is_after_its_priors] = open.back();
      open.pop_back();
      const auto found = events_.find(id);
      if (is_after_its_priors) {
        order_.emplace_back(id, &found->second);
      } else if (found == events_.end()) {
        if (!ids_.contains(id))  // else it is a lineage statement, which an event may follow, too
          missing.insert(id);
      } else if (done.insert(id).second) {
        open.emplace_back(id, true);
        for (const std::string& prior : priors_of(found->second)) {
          open.emplace_back(prior, false);
          followed_.insert(prior);
        }
      }
    }
    for (const std::string& id : missing)
      graph_.unknown.push_back("what event " + short_id(id) + " was: it is named as an earlier step, and no line of the log is it");
  }

  std::size_t weights_entity(const Resource& resource) {
    const auto [found, is_new] = weights_.try_emplace(key_of(resource), graph_.entities.size());
    if (is_new) {
      Entity entity{EntityKind::weights, resource.name, "weights", resource.uri, resource.digest};
      graph_.entities.push_back(std::move(entity));
    }
    Entity& entity = graph_.entities[found->second];
    if (entity.name == general_name)
      entity.name = resource.name;
    if (entity.format.empty())
      entity.format = resource.annotation("format");
    for (const auto& [key, value] : resource.annotations)
      if (key == "files" && entity.files.empty() && value.array() != nullptr)
        for (const model::Json& name : *value.array())
          if (name.text() != nullptr)
            entity.files.push_back(*name.text());
    return found->second;
  }

  std::size_t entity_of(const Resource& resource) {
    if (resource.digest_of(stored_root_name) != nullptr)
      return weights_entity(resource);
    const std::string_view role = resource.role();
    Entity entity{EntityKind::file, resource.name, std::string(role), resource.uri, resource.digest};
    if (role == "importance-matrix")
      entity.kind = EntityKind::importance_matrix;
    if (role == "repository") {
      GitSource git = git_source(resource.uri);
      entity = Entity{EntityKind::repository, git.address, "", std::move(git.address)};
      entity.revision = std::move(git.revision);
    }
    return place_of(graph_, entity);
  }

  bool is_full() const { return graph_.relations.size() >= max_relations; }

  void add_activity(Activity& activity) {
    const std::size_t place = graph_.activities.size();
    activity_places_[activity.id] = place;
    if (const auto run = runs_.find(activity.id); run != runs_.end())
      activity.run = std::move(run->second);
    std::vector<std::size_t> sources, repositories;
    for (const Resource& dependency : activity.event.dependencies) {
      if (dependency.role() == "prior-event" || is_full())
        continue;
      const std::size_t entity = entity_of(dependency);
      relate(graph_, RelationKind::used, place, entity);
      if (graph_.entities[entity].kind == EntityKind::weights)
        sources.push_back(entity);
      if (graph_.entities[entity].kind == EntityKind::repository)
        repositories.push_back(entity);
    }
    for (const std::size_t source : sources)
      for (const std::size_t repository : repositories)
        relate(graph_, RelationKind::derived_from, source, repository);
    for (const Resource& subject : activity.event.subject) {
      if (is_full())
        break;
      const std::size_t entity = entity_of(subject);
      relate(graph_, RelationKind::generated_by, entity, place);
      if (graph_.entities[entity].kind == EntityKind::weights)
        for (const std::size_t source : sources)
          if (source != entity)
            relate(graph_, RelationKind::derived_from, entity, source);
    }
    add_agents(activity, place);
    for (const std::string& prior : priors_of(activity))
      if (const auto earlier = activity_places_.find(prior); earlier != activity_places_.end())
        relate(graph_, RelationKind::informed_by, place, earlier->second);
    graph_.activities.push_back(std::move(activity));
  }

  void add_agents(const Activity& activity, std::size_t place) {
    const auto associate = [&](const Agent& agent) { relate(graph_, RelationKind::associated_with, place, place_of(graph_, agent)); };
    if (!activity.event.builder.empty())
      associate({AgentKind::builder, activity.event.builder});
    for (const auto* tools : {&activity.event.builder_dependencies, activity.run ? &activity.run->builder_dependencies : nullptr})
      if (tools != nullptr)
        for (const Resource& tool : *tools)
          associate({AgentKind::software, tool.name.empty() ? tool.uri : tool.name, tool.digest});
    for (const auto& [name, version] : activity.event.builder_version)
      associate({AgentKind::software, name + " " + version});
  }

  // Claims of a lineage statement belong to the weights that it names. One that no event follows is nobody's word.
  void add_lineage() {
    for (const auto& [id, subject, claims] : lineage_)
      if (const Resource* weights = weights_of(subject); weights != nullptr && followed_.contains(id)) {
        const std::string& stored = *weights->digest_of(stored_root_name);
        const std::string* metadata = weights->digest_of(metadata_root_name);
        for (auto at = weights_.lower_bound(stored + "/"); at != weights_.end() && at->first.starts_with(stored + "/"); ++at)
          if (metadata == nullptr || at->first == stored + "/" + *metadata || at->first == stored + "/")
            add_claims(claims, graph_.entities[at->second]);
      }
  }

  static void add_claims(const std::vector<Claim>& claims, Entity& entity) {
    for (const Claim& claim : claims)
      if (entity.claims.size() < max_claims && std::find(entity.claims.begin(), entity.claims.end(), claim) == entity.claims.end())
        entity.claims.push_back(claim);
  }

  void add_present(const std::string& head) {
    Entity here{EntityKind::weights, present_.name, "weights"};
    if (present_.stored_root)
      here.digest.emplace_back(stored_root_name, base::to_hex(*present_.stored_root));
    if (present_.metadata_root)
      here.digest.emplace_back(metadata_root_name, base::to_hex(*present_.metadata_root));
    const auto made = made_by(head);
    const bool is_as_made = made && is_same(graph_.entities[*made], here);
    graph_.result = is_as_made ? *made : graph_.entities.size();
    if (!is_as_made)
      graph_.entities.push_back(std::move(here));
    if (made && is_as_made)
      graph_.last = activity_places_.at(head);
    if (made && !is_as_made) {
      graph_.relations.push_back({RelationKind::derived_from, graph_.result, *made, std::string(status_inferred), "rule:differs-from-record"});
      graph_.problems.push_back("the checkpoint is not as its last event left it: it was changed since, or made from what the event "
                                "made, and nothing records how");
    }
    add_files(made && is_as_made);
    Entity& result = graph_.entities[graph_.result];
    if (result.name == general_name)
      result.name = present_.name;
    result.format = present_.format;
    result.files = present_.files;
    add_claims(present_.claims, result);
  }

  // Digests of the weight files: as read now, else as the run noted them.
  void add_files(bool is_as_made) {
    graph_.files = present_.read_files;
    graph_.read_count = graph_.files.size();
    if (!is_as_made || !graph_.activities[*graph_.last].run)
      return;
    for (const RunFile& noted : graph_.activities[*graph_.last].run->files) {
      const auto is_noted = [&](const RunFile& file) { return file.name == noted.name; };
      const auto read = std::find_if(graph_.files.begin(), graph_.files.end(), is_noted);
      const bool is_weights = std::find(present_.files.begin(), present_.files.end(), noted.name) != present_.files.end();
      if (read == graph_.files.end() && is_weights)
        graph_.files.push_back(noted);
      else if (read != graph_.files.end() && noted.sha256 && read->sha256 != noted.sha256)
        graph_.problems.push_back("file " + base::quoted(noted.name) + " is not the one that the run noted: its SHA-256 is another");
    }
  }

  // The weights that an event made.
  std::optional<std::size_t> made_by(const std::string& head) const {
    const auto place = activity_places_.find(head);
    if (place == activity_places_.end())
      return std::nullopt;
    for (const std::size_t at : graph_.to(RelationKind::generated_by, place->second))
      if (graph_.entities[graph_.relations[at].from].kind == EntityKind::weights)
        return graph_.relations[at].from;
    return std::nullopt;
  }

  // As far as both say something.
  static bool is_same(const Entity& made, const Entity& here) {
    return std::all_of(here.digest.begin(), here.digest.end(), [&](const auto& digest) {
      const std::string* recorded = made.digest_of(digest.first);
      return recorded == nullptr || *recorded == digest.second;
    });
  }

  const Present& present_;
  Graph graph_;
  std::map<std::string, Activity> events_;
  std::vector<std::string> in_log_order_;
  std::set<std::string> ids_;  // of all statements
  std::map<std::string, Run> runs_;
  std::vector<Lineage> lineage_;
  std::vector<std::pair<std::string, Activity*>> order_;
  std::set<std::string> followed_;  // ids that events in order name, of events and of lineage
  std::map<std::string, std::size_t> weights_, activity_places_;
};

}  // namespace

Graph build_graph(const Log& log, const Present& present) { return Builder(log, present).build(); }

}  // namespace heirloom::provenance
