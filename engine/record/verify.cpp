#include "engine/record/verify.hpp"

#include "engine/provenance/names.hpp"
#include "engine/record/verify_parts.hpp"

#include <algorithm>

namespace heirloom::record {
namespace {

using provenance::Part;

constexpr std::array<std::string_view, level_count> level_names = {"P0", "P1", "P2", "P3", "P4", "P5"};
constexpr std::array<std::string_view, level_count> level_words = {"none", "declared", "intact", "signed", "linked", "reproduced"};

bool says_value_root(const Links& links) {
  return std::any_of(links.all.begin(), links.all.end(),
                     [](const Link& link) { return !link.root(provenance::value_root_name).empty(); });
}

// The highest level that nothing speaks against, nor against one below it.
void conclude(Check& check) {
  Verification& out = check.out;
  std::size_t level = 0;
  while (level + 1 < level_count && check.reasons[level + 1].empty())
    ++level;
  if (!out.mismatches.empty())
    level = 0;
  out.level = static_cast<Level>(level);
  if (!out.mismatches.empty())
    out.why_not = {"something is not as the record says"};
  else if (level + 1 < level_count)
    out.why_not = check.reasons[level + 1];
}

Result<void> run(Check& check) {
  HEIRLOOM_TRY(check.found, find_record(check.checked));
  for (const std::string& problem : check.found.problems)
    check.mismatch("record", "", problem);
  check.links = read_links(check.found.log);
  check.out.has_record = !check.links.all.empty() || check.found.has_log_file || check.found.receipts_sha256 || check.found.ledger_sha256;
  const IdentifyOptions how{check.options.threads, check.options.memory_bytes, says_value_root(check.links)};
  HEIRLOOM_TRY(check.out.identity, identify(check.checked, check.maps, how, check.log));
  if (check.out.has_record)
    find_last(check);
  HEIRLOOM_CHECK(check_declared(check));
  if (!check.out.has_record) {
    check.against(Level::intact, "there is no record");
    return check_signatures(check);  // of the directory, which may be signed all the same
  }
  check_chain(check);
  if (check.last == nullptr) {
    check.against(Level::intact, "the record has no event");
    return check_signatures(check);
  }
  check_weights(check);
  check_metadata(check);
  HEIRLOOM_CHECK(check_side_files(check));
  HEIRLOOM_CHECK(check_files_written(check));
  HEIRLOOM_CHECK(check_signatures(check));
  HEIRLOOM_CHECK(check_sources(check));
  return check_replay(check);
}

}  // namespace

std::string_view name_of(Level level) { return level_names[static_cast<std::size_t>(level)]; }
std::string_view word_of(Level level) { return level_words[static_cast<std::size_t>(level)]; }

void Check::mismatch(std::string_view part, std::string name, std::string text) {
  out.mismatches.push_back({std::string(part), std::move(name), std::move(text)});
}

void Check::against(Level level, std::string reason) { reasons[static_cast<std::size_t>(level)].push_back(std::move(reason)); }

void Check::not_shown(Level level, std::string reason) {
  out.not_shown.push_back(reason);
  against(level, std::move(reason));
}

std::vector<const provenance::LogLine*> Check::lineage() const {
  std::vector<const provenance::LogLine*> lines;
  for (const provenance::LogLine& line : found.log.lines) {
    if (!line.statement || line.statement->predicate_type != provenance::lineage_type)
      continue;
    const bool is_followed = std::any_of(chain.begin(), chain.end(), [&](const Link* link) {
      return std::find(link->prior.begin(), link->prior.end(), line.id) != link->prior.end();
    });
    if (is_followed)
      lines.push_back(&line);
  }
  return lines;
}

const Link* Check::with_byproduct(std::string_view name) const {
  if (last == nullptr)
    return nullptr;
  const std::string root = last->root(provenance::stored_root_name);
  for (auto link = chain.rbegin(); link != chain.rend(); ++link)
    if ((*link)->root(provenance::stored_root_name) == root && !(*link)->byproduct(name).empty())
      return *link;
  return nullptr;
}

Result<Verification> verify(const model::Source& checked, const arch::Maps& maps, const VerifyOptions& options, const base::Log& log) {
  Check check{checked, maps, options, log};
  HEIRLOOM_CHECK(run(check));
  conclude(check);
  return std::move(check.out);
}

}  // namespace heirloom::record
