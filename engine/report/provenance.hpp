// Reports of a provenance graph: the chain in words, as JSON, and as a picture for Graphviz. All text in it that came from
// files is made printable, and quoted for the form that it stands in. Pure functions.
#pragma once

#include "engine/provenance/graph.hpp"

#include <string>

namespace heirloom::report {

std::string provenance_text(const provenance::Graph& graph);
// {"name", "result", "entities", "activities", "agents", "relations", "unknown", "problems"}; relations by the names of PROV.
std::string provenance_json(const provenance::Graph& graph);
// W3C's picture: entities are yellow ellipses, activities blue boxes, agents orange houses; arrows point to what was before.
std::string provenance_dot(const provenance::Graph& graph);

}  // namespace heirloom::report
