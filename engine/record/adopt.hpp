// Adopting a checkpoint that another program has stripped of its record: the record is found again by the digests of the
// weights, whatever became of names of files and metadata. Pure but for reading the side files of a directory.
#pragma once

#include "engine/model/model.hpp"
#include "engine/provenance/ledger.hpp"
#include "engine/provenance/log.hpp"
#include "engine/record/identify.hpp"
#include "engine/record/run_statement.hpp"

#include <optional>
#include <string>
#include <vector>

namespace heirloom::record {

struct Adoption {
  std::string event;                    // that made the weights, in words
  std::string matched_by;               // name of the digest
  std::string log = {};                 // text: the lines as they were, and the event of the adoption where there is one
  std::optional<std::string> ledger = {}; // text: which keys are gone; nothing where the metadata is as it was
  bool has_same_tensors = false;        // receipts of the event speak of these very tensors
  std::size_t lost_keys = 0;
};

// Nothing when no event of the log made these weights: neither their bytes, nor their values under the family's names, nor
// their values under any names. `ledger` is that of the event, where it is at hand. The log tells of this `run`, too, where
// the adoption is an event.
Result<std::optional<Adoption>> adopt(const model::Source& source, const Identity& identity, const provenance::Log& log,
                                      const std::optional<provenance::Ledger>& ledger, RunFacts run);

}  // namespace heirloom::record
