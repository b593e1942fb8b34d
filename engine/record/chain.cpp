#include "engine/record/chain.hpp"

#include "engine/provenance/identity.hpp"

#include <algorithm>
#include <set>

namespace heirloom::record {
namespace {

using provenance::Resource;

constexpr std::size_t short_id = 12;

std::string digest_of(const Resource* weights, std::string_view name) {
  const std::string* digest = weights == nullptr ? nullptr : weights->digest_of(name);
  return digest == nullptr ? std::string() : *digest;
}

}  // namespace

std::string Link::root(std::string_view name) const { return digest_of(provenance::weights_of(event.subject), name); }
std::string Link::root_read(std::string_view name) const { return digest_of(dependency("weights"), name); }

std::string_view Link::parameter(std::string_view name) const {
  for (const auto& [key, value] : event.parameters)
    if (key == name)
      return value;
  return "";
}

const Resource* Link::dependency(std::string_view role) const {
  const auto& list = event.dependencies;
  const auto found = std::find_if(list.begin(), list.end(), [&](const Resource& resource) { return resource.role() == role; });
  return found == list.end() ? nullptr : &*found;
}

std::string Link::byproduct(std::string_view name) const {
  for (const Resource& resource : event.byproducts)
    if (resource.name == name || resource.name.ends_with("." + std::string(name)))
      if (const std::string* digest = resource.digest_of("sha256"))
        return *digest;
  return "";
}

std::string Link::words() const {
  std::string text(event.kind());
  if (const Resource* from = dependency("weights"); from != nullptr && !from->name.empty())
    text += " of " + from->name;
  if (const std::string_view recipe = parameter("recipe"); !recipe.empty())
    text += ", " + std::string(recipe);
  return text + " (" + id.substr(0, short_id) + ")";
}

const Link* Links::find(std::string_view id) const {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Link& link) { return link.id == id; });
  return found == all.end() ? nullptr : &*found;
}

Links read_links(const provenance::Log& log) {
  Links links;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < log.lines.size(); ++i) {
    const provenance::LogLine& line = log.lines[i];
    if (!line.statement || line.statement->predicate_type != provenance::slsa_provenance)
      continue;
    auto event = provenance::parse_event(*line.statement);
    if (!event)
      continue;
    Link link{line.id, i + 1, &line, std::move(*event), provenance::prior_events(*line.statement)};
    if (seen.insert(link.id).second)
      links.all.push_back(std::move(link));
  }
  return links;
}

std::vector<const Link*> chain_to(const Links& links, const Link& last) {
  std::vector<const Link*> chain, open{&last};
  std::set<std::string> seen{last.id};
  while (!open.empty()) {
    const Link* link = open.back();
    open.pop_back();
    chain.push_back(link);
    for (const std::string& id : link->prior)
      if (const Link* prior = links.find(id); prior != nullptr && seen.insert(id).second)
        open.push_back(prior);
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

}  // namespace heirloom::record
