// The events of a log as a chain: what each says it made from what. All of it is somebody's word until it is held against
// the weights (verify.hpp). Pure functions.
#pragma once

#include "engine/provenance/event.hpp"
#include "engine/provenance/log.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::record {

struct Link {
  std::string id;
  std::size_t line = 0;                       // in the log as read, from 1
  const provenance::LogLine* source = nullptr; // the first with this id; others may have other signatures
  provenance::Event event;
  std::vector<std::string> prior = {};        // ids of the events that it follows

  // A digest of the weights that it made, by its name; "" when it has none.
  std::string root(std::string_view name) const;
  // Likewise of the weights that it read.
  std::string root_read(std::string_view name) const;
  std::string_view parameter(std::string_view name) const;
  // The dependency of this role, or null.
  const provenance::Resource* dependency(std::string_view role) const;
  // SHA-256 of a by-product; "" when it has none of this name.
  std::string byproduct(std::string_view name) const;
  // "convert of NAME, Q4_K_M (0123456789ab)", for people.
  std::string words() const;
};

struct Links {
  std::vector<Link> all;                      // each id once, in the order of the log

  const Link* find(std::string_view id) const;
};

// Lines that are no events are passed over (verify_chain.cpp tells of them). The log outlives the links.
Links read_links(const provenance::Log& log);

// The events that led to `last`, each after those that it follows, `last` behind. Missing ones are left out.
std::vector<const Link*> chain_to(const Links& links, const Link& last);

}  // namespace heirloom::record
