#include "engine/report/provenance.hpp"

#include "engine/base/text.hpp"
#include "engine/provenance/identity.hpp"

#include <fmt/format.h>

namespace heirloom::report {
namespace {

using provenance::Activity;
using provenance::AgentKind;
using provenance::Entity;
using provenance::EntityKind;
using provenance::Graph;
using provenance::Relation;
using provenance::RelationKind;

constexpr std::size_t max_label_bytes = 60;

// A line of a label. In Graphviz a backslash begins an escape of its own even after quoting, so it is doubled.
std::string label(std::string_view text) {
  std::string quoted;
  for (const char c : base::printable(text.substr(0, max_label_bytes)) + (text.size() > max_label_bytes ? "..." : "")) {
    if (c == '"' || c == '\\')
      quoted += '\\';
    quoted += c;
  }
  return quoted;
}

std::string entity_label(const Graph& graph, std::size_t place) {
  const Entity& entity = graph.entities[place];
  const bool is_result = place == graph.result;
  std::string text = label(is_result ? graph.name : entity.name);
  text += "\\n" + label(!entity.role.empty() && entity.kind == EntityKind::file ? entity.role : provenance::word(entity.kind));
  if (!entity.format.empty())
    text += ", " + label(entity.format);
  if (!entity.revision.empty())
    text += "\\n" + label(entity.revision.substr(0, 12));
  if (const std::string* root = entity.digest_of(provenance::stored_root_name))
    text += "\\n" + label(root->substr(0, 12));
  return text;
}

std::string activity_label(const Activity& activity) {
  std::string text = label(activity.event.kind());
  for (const auto& [name, value] : activity.event.parameters)
    if (name == "recipe" && !value.empty())
      text += " " + label(value);
  if (!activity.finished_on().empty())
    text += "\\n" + label(activity.finished_on());
  return text + "\\n" + label(std::string_view(activity.id).substr(0, 12));
}

struct Ends {
  char from, to;
};
constexpr Ends ends_of(RelationKind kind) {
  switch (kind) {
    case RelationKind::used: return {'a', 'e'};
    case RelationKind::generated_by: return {'e', 'a'};
    case RelationKind::attributed_to: return {'e', 'g'};
    case RelationKind::associated_with: return {'a', 'g'};
    case RelationKind::informed_by: return {'a', 'a'};
    default: return {'e', 'e'};
  }
}

}  // namespace

std::string provenance_dot(const Graph& graph) {
  std::string dot = "digraph provenance {\n  rankdir=RL;\n  node [fontname=\"Helvetica\", style=filled];\n"
                    "  edge [fontname=\"Helvetica\", fontsize=9];\n";
  for (std::size_t i = 0; i < graph.entities.size(); ++i)
    dot += fmt::format("  e{} [shape=ellipse, fillcolor=\"#fffc87\"{}, label=\"{}\"];\n", i, i == graph.result ? ", penwidth=3" : "",
                       entity_label(graph, i));
  for (std::size_t i = 0; i < graph.activities.size(); ++i)
    dot += fmt::format("  a{} [shape=box, fillcolor=\"#9fb1fc\", label=\"{}\"];\n", i, activity_label(graph.activities[i]));
  for (std::size_t i = 0; i < graph.agents.size(); ++i)
    dot += fmt::format("  g{} [shape=house, fillcolor=\"#fed37f\", label=\"{}\\n{}\"];\n", i, label(graph.agents[i].name),
                       label(provenance::word(graph.agents[i].kind)));
  for (const Relation& relation : graph.relations) {
    const Ends ends = ends_of(relation.kind);
    // What only a claim says is dashed.
    dot += fmt::format("  {}{} -> {}{} [label=\"{}{}\"{}];\n", ends.from, relation.from, ends.to, relation.to, provenance::word(relation.kind),
                       relation.status.empty() ? "" : "\\n" + label(relation.status), relation.status.empty() ? "" : ", style=dashed");
  }
  return dot + "}\n";
}

}  // namespace heirloom::report
