// The event log: lines of envelopes, kept byte for byte, and the chain that the events form. Values.
#pragma once

#include "engine/provenance/statement.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::provenance {

inline constexpr std::uint64_t max_log_bytes = 256u << 20;
inline constexpr std::size_t max_log_lines = 100'000;

struct LogLine {
  std::string text;                     // as read, without line end
  std::optional<Envelope> envelope = {};   // nothing when the line is not understood
  std::optional<Statement> statement = {}; // nothing when the payload is no statement
  std::string id = {};                  // of the event; "" when the line is no envelope of a statement
  bool is_foreign = false;              // of another payload type, and nothing of ours in it: somebody else's
  std::string problem = {};             // why not
};

struct Log {
  std::vector<LogLine> lines;

  void append(const Envelope& envelope);
  std::string text() const;             // with line ends
  // The first line with this id, or null.
  const LogLine* find(std::string_view id) const;
  // SLSA events that no other event follows. One for a chain, several for logs put together.
  std::vector<const LogLine*> heads() const;
  // Ids of prior events that no line has: (id of the event that names it, missing id).
  std::vector<std::pair<std::string, std::string>> missing() const;
};

// Lines that are not understood are kept; limit when there are too many or too long ones. CR LF ends a line, too.
Result<Log> parse_log(std::string_view text);

// Ids of the events that a statement follows.
std::vector<std::string> prior_events(const Statement& statement);

// Payloads as embedded in a container become unsigned lines.
Log log_of_payloads(const std::vector<std::string>& payloads);
// Adds the lines of `more` whose event is not there yet. A line with signatures replaces the same event without.
void merge(const Log& more, Log& into);

}  // namespace heirloom::provenance
