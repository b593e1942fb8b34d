// One graph of what is known about a checkpoint, in the terms of W3C PROV: entities (weights, files, licences, data sets),
// activities (events) and agents, from the events that led to it and from what it says of itself. Everything that prints or
// exports provenance reads this. Nothing here is checked against weights or signatures. Values.
#pragma once

#include "engine/base/digest.hpp"
#include "engine/provenance/claims.hpp"
#include "engine/provenance/event.hpp"
#include "engine/provenance/log.hpp"
#include "engine/provenance/trust.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::provenance {

enum class EntityKind { weights, file, license, dataset, base_model, importance_matrix, repository };
std::string_view word(EntityKind kind);  // "weights", "base model"

struct Entity {
  EntityKind kind = EntityKind::file;
  std::string name;
  std::string role = {};                  // of a file: "license", "config", ...
  std::string uri = {};
  Texts digest = {};                      // as in a DigestSet
  std::string format = {};                // of weights
  std::vector<std::string> files = {};    // of weights: names
  std::vector<Claim> claims = {};         // of weights: what they say of themselves
  std::string revision = {};              // of a repository

  const std::string* digest_of(std::string_view algorithm) const;
};

// What a trust file says of the signatures of an event.
struct Vouching {
  std::string name;                       // there of the key that vouches for it; "" for nobody
  std::string why_not = {};               // said of the event: "is not signed"
};

struct Activity {
  std::string id;                         // of the event
  Event event;
  std::optional<Run> run = {};
  std::vector<std::string> signers = {};  // key ids that the line names; not checked
  std::optional<Vouching> vouching = {};  // where they were checked

  const std::string& started_on() const { return run ? run->started_on : event.started_on; }
  const std::string& finished_on() const { return run ? run->finished_on : event.finished_on; }
};

enum class AgentKind { person, organization, software, builder };
std::string_view word(AgentKind kind);

struct Agent {
  AgentKind kind = AgentKind::software;
  std::string name;
  Texts digest = {};
};

// From, to:        activity, entity | entity, activity | entity, entity | entity, agent | activity, agent | activity, activity
enum class RelationKind { used, generated_by, derived_from, attributed_to, associated_with, informed_by,
                          licensed_under, trained_on };  // the last two: entity, entity
std::string_view word(RelationKind kind);  // "wasGeneratedBy"

struct Relation {
  RelationKind kind = RelationKind::used;
  std::size_t from = 0, to = 0;           // places in the lists that the kind says
  std::string status = {};                // of the claim it comes from; "" where an event says it
  std::string place = {};
};

struct Graph {
  std::vector<Entity> entities;
  std::vector<Activity> activities;       // each after those that it follows
  std::vector<Agent> agents;
  std::vector<Relation> relations;
  std::string name;                       // of the checkpoint at hand
  std::string architecture;               // id of its map, or ""
  std::size_t result = 0;                 // the entity that it is
  std::optional<std::size_t> last = {};   // the activity that made it
  std::vector<RunFile> files = {};        // its weight files, with digests where somebody took them
  std::size_t read_count = 0;             // so many of these were read; the rest is what the run notes of them
  std::vector<std::string> unknown = {};  // what nobody said, in words
  std::vector<std::string> problems = {}; // what in the record cannot be, in words

  // Places in `relations` of this kind from or to something.
  std::vector<std::size_t> from(RelationKind kind, std::size_t place) const;
  std::vector<std::size_t> to(RelationKind kind, std::size_t place) const;
  // The weights that these are derived from, themselves first, the nearest next. Each once.
  std::vector<std::size_t> ancestry(std::size_t weights) const;
};

// The checkpoint at hand.
struct Present {
  std::string name;
  std::string format;
  std::string architecture = {};
  std::vector<std::string> files = {};
  std::vector<Claim> claims = {};                     // record::declared_claims
  std::optional<base::Digest> metadata_root = {};     // of its metadata as it is now
  std::optional<base::Digest> stored_root = {};       // of its weights, where they were read
  std::string head = {};                              // heirloom.head
  std::vector<RunFile> read_files = {};               // with the digests of files that were read
};

// The chain that ends in the checkpoint; other events of the log are left aside. Without one, what it says of itself.
Graph build_graph(const Log& log, const Present& present);
// Says who vouches for each activity of a log's graph. A signature that is not of the key that it names is a problem.
void check_signatures(const Log& log, const Trust& trust, Graph& graph);

}  // namespace heirloom::provenance
