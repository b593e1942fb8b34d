#include "engine/record/chain.hpp"

#include "engine/base/text.hpp"
#include "engine/provenance/identity.hpp"

#include <algorithm>
#include <set>

namespace heirloom::record {
namespace {

using model::Json;
using provenance::Resource;

constexpr std::size_t short_id = 12;

std::string kind_of(std::string_view build_type) {
  if (!build_type.starts_with(provenance::name_space))
    return std::string(build_type);
  build_type.remove_prefix(provenance::name_space.size());
  return std::string(build_type.substr(0, build_type.find('/')));
}

// Resources of a list; what is none is passed over.
std::vector<Resource> resources_at(const Json& predicate, std::string_view path) {
  std::vector<Resource> resources;
  const Json* list = predicate.at(path);
  if (list == nullptr || list->array() == nullptr)
    return resources;
  for (const Json& json : *list->array())
    if (auto resource = provenance::parse_resource(json))
      resources.push_back(std::move(*resource));
  return resources;
}

std::string text_at(const Json& json, std::string_view path) {
  const Json* value = json.at(path);
  return value == nullptr || value->text() == nullptr ? std::string() : *value->text();
}

Event event_of(const provenance::LogLine& line, std::size_t number) {
  const provenance::Statement& statement = *line.statement;
  Event event{base::to_hex(line.envelope->id()), number, &line};
  event.kind = kind_of(text_at(statement.predicate, "buildDefinition.buildType"));
  event.builder = text_at(statement.predicate, "runDetails.builder.id");
  for (const Resource& subject : statement.subject) {
    const bool is_weights = subject.digest_of(provenance::stored_root_name) != nullptr && event.weights.digest.empty();
    if (is_weights)
      event.weights = subject;
    else
      event.files.push_back(subject);
  }
  event.dependencies = resources_at(statement.predicate, "buildDefinition.resolvedDependencies");
  event.byproducts = resources_at(statement.predicate, "runDetails.byproducts");
  if (const Json* parameters = statement.predicate.at("buildDefinition.externalParameters"); parameters && parameters->object())
    for (const auto& [name, value] : *parameters->object())
      if (value.text() != nullptr)
        event.parameters.emplace_back(name, *value.text());
  event.prior = provenance::prior_events(statement);
  return event;
}

}  // namespace

std::string Event::root(std::string_view name) const {
  const std::string* digest = weights.digest_of(name);
  return digest == nullptr ? std::string() : *digest;
}

std::string_view Event::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters)
    if (key == name)
      return value;
  return "";
}

const Resource* Event::dependency(std::string_view role) const {
  const auto found = std::find_if(dependencies.begin(), dependencies.end(), [&](const Resource& resource) { return resource.role() == role; });
  return found == dependencies.end() ? nullptr : &*found;
}

std::string Event::byproduct(std::string_view name) const {
  for (const Resource& resource : byproducts)
    if (resource.name == name || resource.name.ends_with("." + std::string(name)))
      if (const std::string* digest = resource.digest_of("sha256"))
        return *digest;
  return "";
}

std::string Event::words() const {
  std::string text = kind.empty() ? "event" : kind;
  if (const Resource* from = dependency("weights"); from != nullptr && !from->name.empty())
    text += " of " + from->name;
  if (!weights.name.empty())
    text += " to " + weights.name;
  if (const std::string_view recipe = parameter("recipe"); !recipe.empty())
    text += ", " + std::string(recipe);
  return text + " (" + id.substr(0, short_id) + ")";
}

const Event* Events::find(std::string_view id) const {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Event& event) { return event.id == id; });
  return found == all.end() ? nullptr : &*found;
}

Events read_events(const provenance::Log& log) {
  Events events;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < log.lines.size(); ++i) {
    const provenance::LogLine& line = log.lines[i];
    if (!line.statement) {
      events.problems.push_back("line " + std::to_string(i + 1) + " of the log is not understood: " + line.problem);
      continue;
    }
    if (line.statement->predicate_type != provenance::slsa_provenance)
      continue;
    Event event = event_of(line, i + 1);
    if (seen.insert(event.id).second) {
      events.all.push_back(std::move(event));
      continue;
    }
    const auto known = std::find_if(events.all.begin(), events.all.end(), [&](const Event& other) { return other.id == event.id; });
    if (known->source->envelope->signatures.empty())
      known->source = event.source;
  }
  return events;
}

std::vector<const Event*> chain_to(const Events& events, const Event& last) {
  std::vector<const Event*> chain, open{&last};
  std::set<std::string> seen{last.id};
  while (!open.empty()) {
    const Event* event = open.back();
    open.pop_back();
    chain.push_back(event);
    for (const std::string& id : event->prior)
      if (const Event* prior = events.find(id); prior != nullptr && seen.insert(id).second)
        open.push_back(prior);
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

}  // namespace heirloom::record
