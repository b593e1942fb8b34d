#include "engine/base/text.hpp"
#include "engine/provenance/addresses.hpp"
#include "engine/provenance/graph_parts.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace heirloom::provenance {
namespace {

struct ClaimRule {
  std::string_view field;
  EntityKind kind;
  RelationKind relation;
};
constexpr std::array entity_rules = {ClaimRule{"license", EntityKind::license, RelationKind::licensed_under},
                                     ClaimRule{"dataset", EntityKind::dataset, RelationKind::trained_on},
                                     ClaimRule{"base-model", EntityKind::base_model, RelationKind::derived_from}};

// What the hub has goes by its name there, however a card or a key writes it: the reference converter makes an address of a
// data set's name, and leaves "datasets/" out of it.
std::string name_of(EntityKind kind, const std::string& value) {
  constexpr std::string_view datasets = "https://huggingface.co/datasets/";
  const auto name = hub_name(kind == EntityKind::dataset && value.starts_with(datasets) ? value.substr(datasets.size()) : value);
  return kind != EntityKind::license && name ? name->organization + "/" + name->name : value;
}

// The address of what a claim names, where it is one or a name on the hub.
std::string address_of(EntityKind kind, const std::string& value) {
  const auto name = kind == EntityKind::license ? std::nullopt : hub_name(value);
  if (!name)
    return is_address(value) ? value : "";
  const std::string address = hub_address(*name);
  constexpr std::size_t host = std::string_view("https://huggingface.co/").size();
  return kind == EntityKind::dataset ? address.substr(0, host) + "datasets/" + address.substr(host) : address;
}

const Claim* first(const Entity& entity, std::string_view field) {
  const auto found = std::find_if(entity.claims.begin(), entity.claims.end(), [&](const Claim& claim) { return claim.field == field; });
  return found == entity.claims.end() ? nullptr : &*found;
}

// Repository and revision are one thing to derive from: a snapshot.
void relate_repository(Graph& graph, std::size_t weights) {
  const Claim* address = first(graph.entities[weights], "repository");
  const Claim* revision = first(graph.entities[weights], "revision");
  if (address == nullptr)
    return;
  const Claim claim = *address;
  Entity repository{EntityKind::repository, claim.value, "", is_address(claim.value) ? claim.value : ""};
  if (revision != nullptr)
    repository.revision = revision->value;
  const std::size_t place = place_of(graph, repository);
  relate(graph, RelationKind::derived_from, weights, place, &claim);
}

// The weights at the beginning of the chains.
std::vector<std::size_t> origins(const Graph& graph) {
  std::vector<std::size_t> all;
  for (const std::size_t place : graph.ancestry(graph.result)) {
    const auto before = graph.from(RelationKind::derived_from, place);
    const bool has_earlier = std::any_of(before.begin(), before.end(), [&](std::size_t at) {
      return graph.entities[graph.relations[at].to].kind == EntityKind::weights;
    });
    if (!has_earlier)
      all.push_back(place);
  }
  return all;
}

void find_unknown_origin(Graph& graph, std::size_t origin) {
  const std::string name = base::quoted(graph.entities[origin].name);
  const auto sources = graph.from(RelationKind::derived_from, origin);
  const bool has_snapshot = std::any_of(sources.begin(), sources.end(), [&](std::size_t at) {
    const Entity& source = graph.entities[graph.relations[at].to];
    return source.kind == EntityKind::repository && !source.revision.empty();
  });
  if (!has_snapshot)
    graph.unknown.push_back("which revision of which repository " + name + " is");
  if (graph.from(RelationKind::attributed_to, origin).empty())
    graph.unknown.push_back("who made " + name + ": no author and no organization is named");
  if (graph.from(RelationKind::trained_on, origin).empty())
    graph.unknown.push_back("what " + name + " was trained on: no data set is named");
}

}  // namespace

std::string_view word(EntityKind kind) {
  constexpr std::array<std::string_view, 7> words = {"weights", "file", "license", "dataset", "base model", "importance matrix", "repository"};
  return words[static_cast<std::size_t>(kind)];
}

std::string_view word(AgentKind kind) {
  constexpr std::array<std::string_view, 4> words = {"person", "organization", "software", "builder"};
  return words[static_cast<std::size_t>(kind)];
}

std::string_view word(RelationKind kind) {
  constexpr std::array<std::string_view, 8> words = {"used", "wasGeneratedBy", "wasDerivedFrom", "wasAttributedTo",
                                                     "wasAssociatedWith", "wasInformedBy", "licensedUnder", "trainedOn"};
  return words[static_cast<std::size_t>(kind)];
}

const std::string* Entity::digest_of(std::string_view algorithm) const {
  for (const auto& [name_of, value] : digest)
    if (name_of == algorithm)
      return &value;
  return nullptr;
}

std::vector<std::size_t> Graph::from(RelationKind kind, std::size_t place) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < relations.size(); ++i)
    if (relations[i].kind == kind && relations[i].from == place)
      found.push_back(i);
  return found;
}

std::vector<std::size_t> Graph::to(RelationKind kind, std::size_t place) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < relations.size(); ++i)
    if (relations[i].kind == kind && relations[i].to == place)
      found.push_back(i);
  return found;
}

std::vector<std::size_t> Graph::ancestry(std::size_t weights) const {
  std::vector<std::size_t> all = {weights};
  std::set<std::size_t> seen = {weights};
  for (std::size_t i = 0; i < all.size(); ++i)
    for (const std::size_t at : from(RelationKind::derived_from, all[i]))
      if (entities[relations[at].to].kind == EntityKind::weights && seen.insert(relations[at].to).second)
        all.push_back(relations[at].to);
  return all;
}

std::size_t place_of(Graph& graph, const Entity& entity) {
  const auto found = std::find_if(graph.entities.begin(), graph.entities.end(), [&](const Entity& known) {
    return known.kind == entity.kind && known.name == entity.name && known.role == entity.role && known.uri == entity.uri &&
           known.digest == entity.digest && known.revision == entity.revision;
  });
  const auto place = static_cast<std::size_t>(found - graph.entities.begin());
  if (found == graph.entities.end())
    graph.entities.push_back(entity);
  return place;
}

std::size_t place_of(Graph& graph, const Agent& agent) {
  const auto found = std::find_if(graph.agents.begin(), graph.agents.end(), [&](const Agent& known) {
    return known.kind == agent.kind && known.name == agent.name && known.digest == agent.digest;
  });
  const auto place = static_cast<std::size_t>(found - graph.agents.begin());
  if (found == graph.agents.end())
    graph.agents.push_back(agent);
  return place;
}

void relate(Graph& graph, RelationKind kind, std::size_t from, std::size_t to, const Claim* claim) {
  for (const std::size_t at : graph.from(kind, from))
    if (graph.relations[at].to == to)
      return;
  graph.relations.push_back({kind, from, to, claim == nullptr ? "" : claim->status, claim == nullptr ? "" : claim->from});
}

void relate_claims(Graph& graph) {
  const std::size_t count = graph.entities.size();  // those that are added have no claims
  for (std::size_t weights = 0; weights < count; ++weights) {
    const std::vector<Claim> claims = graph.entities[weights].claims;
    for (const Claim& claim : claims) {
      if (graph.relations.size() >= max_relations)
        return;
      for (const ClaimRule& rule : entity_rules)
        if (claim.field == rule.field) {
          const std::string name = name_of(rule.kind, claim.value);
          const std::size_t place = place_of(graph, Entity{rule.kind, name, "", address_of(rule.kind, name)});
          relate(graph, rule.relation, weights, place, &claim);
        }
      if (claim.field == "author" || claim.field == "organization") {
        const std::size_t place = place_of(graph, Agent{claim.field == "author" ? AgentKind::person : AgentKind::organization, claim.value});
        relate(graph, RelationKind::attributed_to, weights, place, &claim);
      }
    }
    relate_repository(graph, weights);
  }
}

void find_unknown(Graph& graph) {
  if (graph.activities.empty())
    graph.unknown.push_back("how " + base::quoted(graph.name) + " was made: it has no record, and nothing proves what it says of itself");
  const auto all = graph.ancestry(graph.result);
  if (std::none_of(all.begin(), all.end(), [&](std::size_t place) { return !graph.from(RelationKind::licensed_under, place).empty(); }))
    graph.unknown.push_back("under which licence it is");
  for (const std::size_t origin : origins(graph))
    find_unknown_origin(graph, origin);
  for (std::size_t i = 0; i < graph.activities.size(); ++i) {
    const Activity& activity = graph.activities[i];
    if (activity.finished_on().empty())
      graph.unknown.push_back("when step " + std::to_string(i + 1) + " was done, and by which build of the program");
    if (activity.signers.empty())
      graph.unknown.push_back("who vouches for step " + std::to_string(i + 1) + ": it is not signed");
  }
}

}  // namespace heirloom::provenance
