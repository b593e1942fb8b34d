// The record against the sources that are at hand: does the chain begin there, and do the receipts give these weights?
#include "engine/base/text.hpp"
#include "engine/provenance/identity.hpp"
#include "engine/record/origin.hpp"
#include "engine/record/verify_parts.hpp"

#include <algorithm>

namespace heirloom::record {
namespace {

using provenance::Resource;

constexpr std::string_view receipts_byproduct = "tensor-receipts.jsonl";

std::size_t count_tensors(const std::vector<provenance::Receipt>& receipts) {
  return static_cast<std::size_t>(std::count_if(receipts.begin(), receipts.end(), [](const auto& receipt) { return receipt.out.has_value(); }));
}

// What the event calls the weights that it read.
std::string source_name(const Link& link) {
  const Resource* weights = link.dependency("weights");
  return weights == nullptr || weights->name.empty() ? std::string("its source") : base::quoted(weights->name);
}

// The source with this root, or nothing.
std::optional<std::size_t> source_with(const Check& check, std::string_view root) {
  if (root.empty())
    return std::nullopt;
  for (std::size_t i = 0; i < check.sources.size(); ++i)
    if (base::to_hex(check.sources[i].stored.stored_root) == root || base::to_hex(check.sources[i].whole().stored_root) == root)
      return i;
  return std::nullopt;
}

// A revision of a repository that cannot change, as the event itself or the lineage of those weights names it.
bool has_revision(const Check& check, const Link& link, std::string_view root) {
  for (const Resource& resource : link.event.dependencies)
    if (const std::string* commit = resource.digest_of("gitCommit"); resource.role() == "repository" && commit != nullptr && is_commit(*commit))
      return true;
  for (const provenance::LogLine* line : check.lineage()) {
    const Resource* weights = provenance::weights_of(line->statement->subject);
    const auto claims = provenance::parse_lineage(line->statement->predicate);
    if (weights == nullptr || *weights->digest_of(provenance::stored_root_name) != root || !claims)
      continue;
    for (const provenance::Claim& claim : *claims)
      if (claim.field == "revision" && is_commit(claim.value))
        return true;
  }
  return false;
}

// A file that lay beside the weights that were read: neither something else, nor one that the user named.
bool is_of_source(const Resource& resource) {
  const std::string_view role = resource.role();
  return role != "weights" && role != "prior-event" && !resource.name.empty() && resource.option().empty();
}

// Files that the event read beside the weights, against those of the source.
Result<void> check_files_read(Check& check, const Link& link, const base::FileSet& files) {
  for (const Resource& resource : link.event.dependencies) {
    const std::string* said = resource.digest_of("sha256");
    if (said == nullptr || !is_of_source(resource))
      continue;
    if (!std::binary_search(files.names().begin(), files.names().end(), resource.name)) {
      check.not_shown(Level::linked, "the source has no " + base::quoted(resource.name) + " any more");
      continue;
    }
    HEIRLOOM_TRY(const base::Digest digest, digest_of_file(files, resource.name));
    if (base::to_hex(digest) != *said)
      check.not_shown(Level::linked, "the source's " + base::quoted(resource.name) + " is not the one that was read");
  }
  return {};
}

// The numbers of a source whose bytes are those that were read.
void check_values_read(Check& check, const Link& link, const Identity& source) {
  const std::string said = link.root_read(provenance::value_root_name);
  if (said.empty())
    return;
  if (!source.value_root)
    check.out.notes.push_back("the value root of " + source_name(link) + " was not computed again: " + source.why_no_value_root);
  else if (base::to_hex(*source.value_root) != said)
    check.mismatch("event", link.words(), "gives a value root of " + source_name(link) + " that is not that of its weights");
}

bool says_value_root(const std::vector<const Link*>& chain) {
  return std::any_of(chain.begin(), chain.end(), [](const Link* link) { return !link->root_read(provenance::value_root_name).empty(); });
}

// One beginning of the chain.
Result<void> check_begin(Check& check, const Link& link) {
  const std::string root = link.root_read(provenance::stored_root_name), metadata = link.root_read(provenance::metadata_root_name);
  if (root.empty()) {
    check.against(Level::linked, link.words() + " does not say which weights it read");
    return {};
  }
  const auto at = source_with(check, root);
  if (!at) {
    check.against(Level::linked, check.sources.empty() ? source_name(link) + ", which the chain begins at, is not at hand (--source)"
                                                       : "--source is not " + source_name(link) + " that the chain begins at: other weights");
    return {};
  }
  if (!metadata.empty() && metadata != base::to_hex(check.sources[*at].stored.metadata_root))
    check.not_shown(Level::linked, "the metadata of --source is not that of " + source_name(link) + " that the chain begins at");
  check_values_read(check, link, check.sources[*at].stored);
  if (!has_revision(check, link, root))
    check.against(Level::linked, "nothing says which revision of a repository " + source_name(link) + " is");
  return check_files_read(check, link, *check.options.sources[*at].stored->files);
}

std::string why_text(const Replayed& replayed) {
  return "line " + std::to_string(replayed.line) + " of the receipts: " + replayed.why;
}

void take(Check& check, const Replayed& replayed) {
  switch (replayed.verdict) {
    case Replay::same: break;
    case Replay::different:
      check.mismatch("tensor", replayed.name, "line " + std::to_string(replayed.line) + " of the receipts does not give its bytes from the source");
      break;
    case Replay::wrong: check.mismatch("tensor", replayed.name, why_text(replayed)); break;
    case Replay::not_possible: check.not_shown(Level::reproduced, base::quoted(replayed.name) + ": " + why_text(replayed)); break;
  }
}

// Receipts are those of the event that made the weights; one that only says something of these names them again. The event
// before it with the same; null where this one made them.
const Link* same_before(const Check& check, const Link& link) {
  for (const std::string& id : link.prior)
    if (const Link* prior = check.links.find(id);
        prior != nullptr && prior->byproduct(receipts_byproduct) == link.byproduct(receipts_byproduct) &&
        prior->root(provenance::stored_root_name) == link.root(provenance::stored_root_name))
      return prior;
  return nullptr;
}

const Link& maker_of(const Check& check, const Link& link) {
  const Link* maker = &link;
  while (const Link* before = same_before(check, *maker))
    maker = before;
  return *maker;
}

const Identity* source_of(const Check& check, const Link& link) {
  const auto at = source_with(check, link.root_read(provenance::stored_root_name));
  return at ? &check.sources[*at].whole() : nullptr;
}

void check_last_inputs(Check& check) {
  const Link* last = check.with_byproduct(receipts_byproduct);
  if (last == nullptr || check.out.is_last_step_unrecorded || !check.found.receipts)
    return;
  const Link& maker = maker_of(check, *last);
  check_inputs(check, maker, *check.found.receipts, source_of(check, maker));
}

// One step of the chain again, from its own source.
Result<void> replay_step(Check& check, const Link& link, const std::vector<provenance::Receipt>& receipts, const Checkpoint& written) {
  const auto at = source_with(check, link.root_read(provenance::stored_root_name));
  if (!at) {
    check.against(Level::reproduced, source_name(link) + ", which " + link.words() + " is replayed from, is not at hand");
    return {};
  }
  const ReplayOptions how{&check.maps, check.options.importance, check.options.threads, check.options.memory_bytes, check.options.sample, check.options.seed};
  HEIRLOOM_TRY(const std::vector<Replayed> replayed, replay(receipts, written, *check.options.sources[*at].whole, how, check.log));
  for (const Replayed& row : replayed)
    take(check, row);
  check.out.receipt_count += count_tensors(receipts);
  check.out.replayed.insert(check.out.replayed.end(), replayed.begin(), replayed.end());
  return {};
}

// A step before the last: its receipts lie beside what it made, if that is at hand.
Result<void> replay_earlier(Check& check, const Link& link) {
  const auto at = source_with(check, link.root(provenance::stored_root_name));
  if (!at) {
    check.against(Level::reproduced, "what " + link.words() + " made is not at hand, nor are its receipts (--source again)");
    return {};
  }
  const model::Source& made = *check.options.sources[*at].stored;
  HEIRLOOM_TRY(const Found found, find_record(made));
  if (!found.receipts || !found.receipts_sha256 || base::to_hex(*found.receipts_sha256) != link.byproduct(receipts_byproduct)) {
    check.against(Level::reproduced, "the receipts of " + link.words() + " are not beside what it made");
    return {};
  }
  check_inputs(check, link, *found.receipts, source_of(check, link));
  return replay_step(check, link, *found.receipts, made.checkpoint);
}

// Each source that was given is one that the chain speaks of. Where it tells of no making, somebody else holds the weights
// against the source (foreign.hpp).
void check_given(Check& check) {
  if (!check.out.tells_making || check.out.is_last_step_unrecorded)
    return;
  for (std::size_t i = 0; i < check.sources.size(); ++i) {
    const bool is_known = std::any_of(check.chain.begin(), check.chain.end(), [&](const Link* link) {
      return source_with(check, link->root_read(provenance::stored_root_name)) == i || source_with(check, link->root(provenance::stored_root_name)) == i;
    });
    if (!is_known)
      check.not_shown(Level::linked, "--source " + base::quoted(check.options.sources[i].name) + " holds other weights than any that led to these");
  }
}

}  // namespace

Result<void> check_sources(Check& check) {
  for (const SourceAtHand& source : check.options.sources) {
    const IdentifyOptions how{check.options.threads, check.options.memory_bytes, says_value_root(check.chain)};
    HEIRLOOM_TRY(Identity stored, identify(*source.stored, check.maps, how, check.log));
    SourceIdentity& known = check.sources.emplace_back(SourceIdentity{std::move(stored)});
    if (source.whole->checkpoint.tensors != source.stored->checkpoint.tensors) {
      HEIRLOOM_TRY(known.seen, identify(*source.whole, check.maps, how, check.log));
    }
  }
  check_given(check);
  for (const Link* link : check.chain) {
    const bool is_first = std::none_of(link->prior.begin(), link->prior.end(), [&](const std::string& id) { return check.links.find(id) != nullptr; });
    if (is_first)
      HEIRLOOM_CHECK(check_begin(check, *link));
  }
  check_last_inputs(check);
  return {};
}

Result<void> check_replay(Check& check) {
  if (!check.options.reproduces) {
    check.against(Level::reproduced, "nothing was replayed (--source DIR --reproduce)");
    return {};
  }
  if (check.out.is_last_step_unrecorded) {
    check.not_shown(Level::reproduced, "there are no receipts of these weights to replay");
    return {};
  }
  const Link* last = check.with_byproduct(receipts_byproduct);
  if (last == nullptr)
    check.not_shown(Level::reproduced, "no event names receipts");
  else
    last = &maker_of(check, *last);
  for (const Link* link : check.chain) {
    if (link->byproduct(receipts_byproduct).empty() || same_before(check, *link) != nullptr)
      continue;
    if (link == last && check.found.receipts)
      HEIRLOOM_CHECK(replay_step(check, *link, *check.found.receipts, check.checked.checkpoint));
    else if (link == last)
      check.not_shown(Level::reproduced, "the receipts of " + link->words() + " are not there");
    else
      HEIRLOOM_CHECK(replay_earlier(check, *link));
  }
  if (last != nullptr && check.out.replayed.empty())
    check.not_shown(Level::reproduced, "no tensor was made again: no source that receipts speak of is at hand");
  return {};
}

}  // namespace heirloom::record
