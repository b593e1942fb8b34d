// Who vouches for the events of a graph.
#include "engine/provenance/graph.hpp"

#include <map>

namespace heirloom::provenance {

void check_signatures(const Log& log, const Trust& trust, Graph& graph) {
  std::map<std::string, const LogLine*> lines;
  for (const LogLine& line : log.lines)
    if (line.statement)
      lines.emplace(base::to_hex(line.envelope->id()), &line);
  for (Activity& activity : graph.activities) {
    const LogLine& line = *lines.at(activity.id);
    const SignatureCheck check = verify_signatures(*line.envelope, trust);
    const TrustedKey* key = voucher(check, *line.statement);
    activity.vouching = key != nullptr ? Vouching{key->name} : Vouching{"", why_no_voucher(check, *line.statement)};
    for (const std::string& hint : check.broken)
      graph.problems.push_back("event " + activity.id.substr(0, 12) + " has a signature that names key " + hint.substr(0, 12) + " and is not its");
  }
}

}  // namespace heirloom::provenance
