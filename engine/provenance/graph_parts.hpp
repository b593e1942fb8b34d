// What the parts of build_graph() share. Internal to engine/provenance.
#pragma once

#include "engine/provenance/graph.hpp"

namespace heirloom::provenance {

// What is beyond is hostile, or no use to anybody.
inline constexpr std::size_t max_relations = 20'000;

// The entity of this kind with the same name, role, address and digests; added when it is new.
std::size_t place_of(Graph& graph, const Entity& entity);
std::size_t place_of(Graph& graph, const Agent& agent);
// Adds a relation unless the same one is there.
void relate(Graph& graph, RelationKind kind, std::size_t from, std::size_t to, const Claim* claim = nullptr);

// What the claims of each weights entity name, as entities and agents of their own.
void relate_claims(Graph& graph);
// Fills in `unknown`.
void find_unknown(Graph& graph);

}  // namespace heirloom::provenance
