// Events and runs as they are read back from statements (formats/facts/provenance.md#event-what-was-done). Statements that
// others made (any SLSA provenance v1) can be read, too: members that are not known are passed over, members of a wrong type
// are errors. Values.
#pragma once

#include "engine/provenance/statement.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heirloom::provenance {

using Texts = std::vector<std::pair<std::string, std::string>>;

struct Event {
  std::vector<Resource> subject;
  std::string build_type;
  Texts parameters;                    // externalParameters; what is no text as JSON, members of objects as "options.NAME"
  std::vector<Resource> dependencies;  // resolvedDependencies
  std::string builder;
  Texts builder_version;
  std::vector<Resource> builder_dependencies;
  std::vector<Resource> byproducts;
  std::string invocation;              // of runDetails.metadata; "" where it stands in a run statement
  std::string started_on, finished_on;

  // "convert" of our own build types, else the whole build type.
  std::string_view kind() const;
};
Result<Event> parse_event(const Statement& statement);

struct RunFile {
  std::string name;
  std::uint64_t size = 0;
  std::optional<base::Digest> sha256 = {};
};

struct Run {
  std::string event;                   // id
  std::string invocation;
  std::string started_on, finished_on;
  std::vector<Resource> builder_dependencies;
  Texts internal_parameters;
  std::vector<RunFile> files;
};
// The event must be the statement's subject.
Result<Run> parse_run(const Statement& statement);

// The weights among a subject: the first with a weightStoredRootV1, or null.
const Resource* weights_of(const std::vector<Resource>& resources);

}  // namespace heirloom::provenance
