// Steps of a verification, one file each. Internal to engine/record.
#pragma once

#include "engine/record/chain.hpp"
#include "engine/record/digests.hpp"
#include "engine/record/found.hpp"
#include "engine/record/verify.hpp"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::record {

inline constexpr std::size_t level_count = 6;

struct SourceIdentity {
  Identity stored;
  base::Digest whole_root = {};              // of the tensors as conversions see them
};

// A verification in the making.
struct Check {
  const model::Source& checked;
  const arch::Maps& maps;
  const VerifyOptions& options;
  const base::Log& log;
  Found found = {};
  Links links = {};
  const Link* last = nullptr;                // the event that made this checkpoint, or that the record ends in
  std::vector<const Link*> chain = {};       // that leads to it, itself last
  std::vector<SourceIdentity> sources = {};  // parallel to options.sources
  Verification out = {};
  std::array<std::vector<std::string>, level_count> reasons = {};  // why not, by level

  void mismatch(std::string_view part, std::string name, std::string text);
  void against(Level level, std::string reason);
  // Likewise, of something that was asked for.
  void not_shown(Level level, std::string reason);
  // Statements of what a source says of itself that the chain follows; what nothing names is nobody's word.
  std::vector<const provenance::LogLine*> lineage() const;
  // The last event of the chain, before a change of the weights, that has this by-product; null for none.
  const Link* with_byproduct(std::string_view name) const;
};

// Finds the event that made the checkpoint, and the chain to it.
void find_last(Check& check);
// Parts of the record against each other: the log's lines, the embedded copy, the chain.
void check_chain(Check& check);
// The weights and each tensor of them, by the receipts.
void check_weights(Check& check);
// Each key, by the ledger.
void check_metadata(Check& check);
Result<void> check_side_files(Check& check);
// Sizes, and digests where they were taken, of the files that the runs note.
Result<void> check_files_written(Check& check);
// A licence and a source.
Result<void> check_declared(Check& check);
Result<void> check_signatures(Check& check);
Result<void> check_sources(Check& check);
Result<void> check_replay(Check& check);

}  // namespace heirloom::record
