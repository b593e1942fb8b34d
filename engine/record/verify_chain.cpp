// The record against itself: which event made the checkpoint, and whether the lines of the log belong together.
#include "engine/base/text.hpp"
#include "engine/provenance/claims.hpp"
#include "engine/provenance/identity.hpp"
#include "engine/record/verify_parts.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace heirloom::record {
namespace {

using provenance::LogLine;

std::string short_of(std::string_view id) { return std::string(id.substr(0, 12)); }

// Among events that made these very weights: one with this metadata before others, then the one that the file names, then
// the latest in the log.
const Link* best_of(const Check& check) {
  const std::string stored = base::to_hex(check.out.identity.stored_root), metadata = base::to_hex(check.out.identity.metadata_root);
  const Link* best = nullptr;
  int best_score = -1;
  for (const Link& link : check.links.all) {
    if (link.root(provenance::stored_root_name) != stored)
      continue;
    const int score = 2 * (link.root(provenance::metadata_root_name) == metadata) + (link.id == check.found.head);
    if (score >= best_score) {
      best = &link;
      best_score = score;
    }
  }
  return best;
}

// `annotate` of a directory leaves its weight files as they are, and the event that they name: the last such event after it.
const Link* last_annotation(const Check& check, const Link* link) {
  const auto roots = [](const Link& of) { return std::pair(of.root(provenance::stored_root_name), of.root(provenance::metadata_root_name)); };
  std::map<std::string_view, const Link*> after;  // by the event that it follows
  for (const Link& next : check.links.all)
    if (link != nullptr && next.event.kind() == "annotate" && roots(next) == roots(*link))
      for (const std::string& id : next.prior)
        after[id] = &next;
  while (link != nullptr && after.contains(link->id))
    link = after[link->id];
  return link;
}

// Where no event made these weights: the one that the record ends in.
const Link* end_of(const Check& check) {
  if (const Link* head = check.links.find(check.found.head))
    return head;
  const Link* end = nullptr;
  for (const LogLine* line : check.found.log.heads())
    if (const Link* link = check.links.find(line->id))
      end = link;
  return end;
}

// What each line of the log is to the chain.
std::set<std::string> ids_of_chain(const Check& check) {
  std::set<std::string> ids;
  for (const Link* link : check.chain) {
    ids.insert(link->id);
    ids.insert(link->prior.begin(), link->prior.end());
  }
  return ids;
}

bool is_run(const LogLine& line) { return line.statement && line.statement->predicate_type == provenance::run_type; }

// Lines that may be what the chain lacks: events and lineage that nothing names.
std::vector<std::string> suspects(const Check& check) {
  const std::set<std::string> ids = ids_of_chain(check);
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < check.found.log.lines.size(); ++i) {
    const LogLine& line = check.found.log.lines[i];
    if (line.statement && !is_run(line) && !ids.contains(line.id))
      lines.push_back(std::to_string(i + 1));
  }
  return lines;
}

std::string suspects_text(const Check& check) {
  const auto lines = suspects(check);
  if (lines.empty())
    return "";
  std::string text = lines.size() == 1 ? "; line " : "; one of the lines ";
  for (std::size_t i = 0; i < lines.size(); ++i)
    text += (i == 0 ? "" : ", ") + lines[i];
  return text + " of the log, which nothing names, may be it, changed";
}

// The line whose payload is this event under another payload type, where an event cannot be; 0 for none.
std::size_t hidden_line(const Check& check, std::string_view id) {
  const auto& lines = check.found.log.lines;
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (lines[i].is_foreign && base::to_hex(lines[i].envelope->id()) == id)
      return i + 1;
  return 0;
}

// Why an event or lineage cannot be read; "" where it can, and of other statements.
std::string problem_of(const provenance::Statement& statement) {
  if (statement.predicate_type == provenance::slsa_provenance) {
    const auto event = provenance::parse_event(statement);
    return event ? "" : event.error().message;
  }
  if (statement.predicate_type == provenance::lineage_type) {
    const auto claims = provenance::parse_lineage(statement.predicate);
    return claims ? "" : claims.error().message;
  }
  return "";
}

// A line that is no envelope with a statement was none that heirloom wrote, or was changed. Others' payload types may be there.
void check_lines(Check& check) {
  for (std::size_t i = 0; i < check.found.log.lines.size(); ++i) {
    const LogLine& line = check.found.log.lines[i];
    const std::string number = "line " + std::to_string(i + 1);
    if (!line.statement && !line.is_foreign)
      check.mismatch("log", number, "is no envelope with a statement: " + line.problem);
    else if (!line.statement)
      check.out.notes.push_back(number + " of the log is somebody else's, and was not looked at: " + line.problem);
    else if (const std::string problem = problem_of(*line.statement); problem.empty())
      continue;
    else if (line.envelope->payload.find(provenance::name_space) != std::string::npos)
      check.mismatch("log", number, "holds a statement of heirloom's, but not well: " + problem);
    else
      check.out.notes.push_back(number + " of the log is not understood: " + problem);
  }
  for (const LogLine& line : check.found.log.lines) {
    if (!is_run(line))
      continue;
    const auto run = provenance::parse_run(*line.statement);
    const std::string number = "line " + std::to_string(&line - check.found.log.lines.data() + 1);
    if (!run)
      check.mismatch("log", number, "says when something was run, but not well: " + run.error().message);
    else if (check.links.find(run->event) == nullptr)
      check.mismatch("log", number, "says when event " + short_of(run->event) + " was run, which the log does not have");
  }
}

// The weights that a link says it read are those that an event before it made.
void check_fit(Check& check, const Link& link) {
  const std::string root = link.root_read(provenance::stored_root_name), metadata = link.root_read(provenance::metadata_root_name);
  bool has_prior = false, fits = false, fits_metadata = metadata.empty();
  for (const std::string& id : link.prior)
    if (const Link* prior = check.links.find(id)) {
      has_prior = true;
      fits = fits || (!root.empty() && prior->root(provenance::stored_root_name) == root);
      fits_metadata = fits_metadata || prior->root(provenance::metadata_root_name) == metadata;
    }
  if (has_prior && !fits)
    check.mismatch("event", link.words(), "read other weights than the events that it follows made");
  else if (has_prior && !fits_metadata && link.event.kind() != "adopt")
    check.mismatch("event", link.words(), "read metadata that was changed without a record");
}

// Of others: not an event that says something of weights that were there.
bool makes_weights(const Link& link) {
  const std::string read = link.root_read(provenance::stored_root_name);
  return !link.byproduct("tensor-receipts.jsonl").empty() || (!read.empty() && read != link.root(provenance::stored_root_name));
}

}  // namespace

void find_last(Check& check) {
  check.last = last_annotation(check, best_of(check));
  if (check.last == nullptr) {
    check.last = end_of(check);
    check.out.is_last_step_unrecorded = check.last != nullptr;
  }
  if (check.last != nullptr)
    check.chain = chain_to(check.links, *check.last);
  for (const Link* link : check.chain) {
    check.out.chain.push_back({link->id, link->words()});
    check.out.tells_making = check.out.tells_making || makes_weights(*link);
  }
}

void check_chain(Check& check) {
  check_lines(check);
  for (const std::string& id : check.found.only_embedded)
    check.mismatch("event", short_of(id), "is in the weight file, but not in the log beside it" + suspects_text(check));
  if (!check.found.head.empty() && check.found.log.find(check.found.head) == nullptr)
    check.mismatch("key", std::string(provenance::head_key),
                   "names event " + short_of(check.found.head) + ", which the record does not have" + suspects_text(check));
  else if (const auto& chain = check.chain; !check.found.head.empty() && std::none_of(chain.begin(), chain.end(), [&](const Link* link) {
             return link->id == check.found.head;
           }))
    check.mismatch("key", std::string(provenance::head_key),
                   "names event " + short_of(check.found.head) + ", which is not one of those that led to these weights");
  for (const Link* link : check.chain) {
    check_fit(check, *link);
    for (const std::string& id : link->prior) {
      if (check.found.log.find(id) != nullptr)
        continue;
      const std::string text = "follows event " + short_of(id) + ", which the record does not have";
      if (const std::size_t line = hidden_line(check, id); line != 0)
        check.mismatch("log", "line " + std::to_string(line), "is event " + short_of(id) + " under another payload type: " + check.found.log.lines[line - 1].problem);
      else if (const std::string changed = suspects_text(check); !changed.empty())
        check.mismatch("event", link->words(), text + changed);
      else
        check.against(Level::intact, link->words() + " " + text);
    }
  }
  const auto others = suspects(check);
  if (!others.empty() && check.out.mismatches.empty())
    check.out.notes.push_back((others.size() == 1 ? "line " + others.front() + " of the log is" : std::to_string(others.size()) + " lines of the log are") +
                              " named by nothing that led to these weights, and not counted");
}

}  // namespace heirloom::record
