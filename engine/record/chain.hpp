// The events of a log as a chain: what each says it made from what. Everything of it is somebody's word until it is held
// against the weights (verify.hpp). Pure functions.
#pragma once

#include "engine/provenance/log.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heirloom::record {

struct Event {
  std::string id;
  std::size_t line = 0;                       // in the log as read, from 1
  const provenance::LogLine* source = nullptr;
  std::string kind = {};                      // the build type without our name space and version: "convert"
  std::string builder = {};
  provenance::Resource weights = {};          // the subject that has a stored root
  std::vector<provenance::Resource> files = {};         // the other subjects
  std::vector<provenance::Resource> dependencies = {};
  std::vector<provenance::Resource> byproducts = {};
  std::vector<std::pair<std::string, std::string>> parameters = {};  // external ones that are text
  std::vector<std::string> prior = {};        // ids of the events that it follows

  // A digest of the weights by its name, or "".
  std::string root(std::string_view name) const;
  std::string_view parameter(std::string_view name) const;
  // The dependency of this role, or null.
  const provenance::Resource* dependency(std::string_view role) const;
  // SHA-256 of a by-product, or "".
  std::string byproduct(std::string_view name) const;
  // "convert of NAME, as q4_k_m", for people.
  std::string words() const;
};

struct Events {
  std::vector<Event> all;                     // each id once, in the order of the log
  std::vector<std::string> problems;          // lines that are no event and look like one, in words

  const Event* find(std::string_view id) const;
};

// The log outlives the events.
Events read_events(const provenance::Log& log);

// The events that led to `last`, each after those that it follows, `last` behind. Missing ones are left out.
std::vector<const Event*> chain_to(const Events& events, const Event& last);

}  // namespace heirloom::record
