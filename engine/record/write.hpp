// The record that a conversion leaves (formats/facts/provenance.md): an event in the file itself, and log, receipts and ledger
// beside it. Digests are known when all bytes are written, but room for the event must be there before: digests have a
// fixed length, so a draft holds zeros in their place, and when they are known the writer is asked for its layout again,
// which differs in the bytes of its literals alone. All of it appears with the output, or not at all.
#pragma once

#include "engine/base/log.hpp"
#include "engine/host/host.hpp"
#include "engine/model/model.hpp"
#include "engine/plan/plan.hpp"
#include "engine/provenance/claims.hpp"
#include "engine/record/event.hpp"
#include "engine/record/input.hpp"
#include "engine/record/run_statement.hpp"
#include "engine/record/value_root.hpp"
#include "engine/run/execute.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heirloom::record {

enum class Place : std::uint8_t { full, embed, beside, none };  // in the file and beside it, one of them, or no record

struct WriteOptions {
  Place place = Place::full;
  bool has_value_root = false;             // also the root of the numbers, which digests each of them once more
  bool hashes_files = false;               // also the SHA-256 of each output file, which reads it again
  Asked asked = {};
  std::vector<EventFile> given = {};       // files that the user named, as far as they change bytes
  std::string source_repository = {};      // where the user says what the source is a copy of
  std::string source_revision = {};
};

struct Draft {
  WriteOptions options;
  Input input;
  bool is_embedded = false;                // keys in the weight files
  bool is_beside = false;                  // files beside them
  bool has_events = false;                 // the events are short enough to be embedded
  std::vector<std::string> read = {};      // names of the source's side files that count
  std::vector<std::string> prior = {};     // ids of the events that this one follows
  std::vector<std::string> payloads = {};  // of the events that led here
  bool is_first = false;                   // the source has no record: a lineage statement begins one
  std::vector<provenance::Claim> claims = {};  // what it says of itself
  ValuePlan values = {{}, "was not asked for"};
};

// Makes room in the plan: keys, and the names of the files beside the weights. Misuse where the event shall be embedded and
// the format holds no metadata.
Result<Draft> begin_record(const host::Host& host, const arch::Maps& maps, const model::Source& source, Input input, WriteOptions options,
                           plan::Plan& plan, bool is_directory);

// Completes an output (ExecuteOptions::complete). `run` has all but the files and the end.
Result<void> finish_record(const host::Host& host, const Draft& draft, const plan::Plan& plan, const model::Source& source,
                           const run::Outcome& outcome, const run::Unfinished& unfinished, RunFacts run);

}  // namespace heirloom::record
