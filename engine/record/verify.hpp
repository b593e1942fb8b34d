// Verifying a checkpoint against the record that lies in and beside it: every digest is computed again, the chain of events
// followed, signatures held against the user's trust file, and what was done replayed from the sources where they are at hand.
// Nothing is written; no path that a record names is opened outside the checkpoint's directory.
#pragma once

#include "engine/arch/map.hpp"
#include "engine/base/log.hpp"
#include "engine/model/model.hpp"
#include "engine/plan/importance.hpp"
#include "engine/provenance/trust.hpp"
#include "engine/record/identify.hpp"
#include "engine/record/reproduce.hpp"

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::record {

// formats/facts/provenance.md#levels; the highest of which all is shown, and of all below it.
enum class Level : std::uint8_t { none, declared, intact, is_signed, linked, reproduced };
std::string_view name_of(Level level);   // "P2"
std::string_view word_of(Level level);   // "intact"

// Something that is not as the record says.
struct Mismatch {
  std::string part;   // "tensor", "key", "file", "event", "log", "receipts", "ledger", "weights", "metadata", "signature"
  std::string name;   // of the tensor, key, file ...; "" where there is one alone
  std::string text;
};

// An event of the chain.
struct ChainStep {
  std::string id;
  std::string words;
  std::string signer = {};  // name in the trust file of the key that vouches for it; "" for nobody
};

struct Verification {
  Identity identity;
  bool has_record = false;
  Level level = Level::none;
  std::vector<std::string> why_not = {};     // the next level; empty at the highest
  std::vector<Mismatch> mismatches = {};
  std::vector<std::string> not_shown = {};   // of what was asked for: a source that is not the one, tensors that were not made again
  std::vector<std::string> notes = {};
  std::vector<ChainStep> chain = {};         // the oldest first
  // The chain ends in other weights than these: what made these from those is not recorded.
  bool is_last_step_unrecorded = false;
  bool tells_making = false;                 // some event of the chain made weights of others
  std::vector<Replayed> replayed = {};
  std::size_t receipt_count = 0;             // of tensors, in the steps that were replayed
};

// A checkpoint twice: as it is stored, and as conversions see it (engine/plan/packed.hpp). Both outlive the verification.
struct SourceAtHand {
  const model::Source* stored = nullptr;
  const model::Source* whole = nullptr;
  std::string name = {};                     // for people
};

struct VerifyOptions {
  const provenance::Trust* trust = nullptr;                // null without a trust file
  std::time_t at = 0;                                      // the time that certificates must be valid at
  std::vector<SourceAtHand> sources = {};                  // checkpoints that it was made from
  std::string directory = {};                              // of the checked checkpoint, where it is one; "" for a file
  const plan::ImportanceMatrix* importance = nullptr;
  bool reproduces = false;                                 // replay the receipts
  std::size_t sample = 0;                                  // so many of them; 0 for all
  std::uint64_t seed = 0;                                  // chooses the sample
  std::size_t threads = 0;
  std::uint64_t memory_bytes = run::default_memory_bytes;
};

Result<Verification> verify(const model::Source& checked, const arch::Maps& maps, const VerifyOptions& options, const base::Log& log);

}  // namespace heirloom::record
