// Who vouches for the events of a graph.
#include "engine/provenance/graph.hpp"

#include <map>

namespace heirloom::provenance {

void check_signatures(const Log& log, const Trust& trust, Graph& graph) {
  // Of the lines with the same event one that a key vouches for, or else any that is signed, or any.
  std::map<std::string_view, Vouching> by_event;
  for (const LogLine& line : log.lines) {
    if (!line.envelope)
      continue;
    const SignatureCheck check = verify_signatures(*line.envelope, trust);
    for (const std::string& hint : check.broken)
      graph.problems.push_back("line " + std::to_string(&line - log.lines.data() + 1) + " of the log names key " + hint.substr(0, 12) +
                               ", which did not sign it");
    if (!line.statement)
      continue;
    const TrustedKey* key = voucher(check, *line.statement);
    const Vouching here = key != nullptr ? Vouching{key->name} : Vouching{"", why_no_voucher(check, *line.statement)};
    Vouching& best = by_event.try_emplace(line.id, here).first->second;
    if (best.name.empty() && !line.envelope->signatures.empty())
      best = here;
  }
  for (Activity& activity : graph.activities)
    if (const auto found = by_event.find(activity.id); found != by_event.end())
      activity.vouching = found->second;
}

}  // namespace heirloom::provenance
