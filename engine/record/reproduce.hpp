// Replaying receipts: each output tensor is made again from the source as its receipt says, and its digest held against the
// receipt's. Nothing is written; every source byte that is needed is read once; memory is bounded; all threads.
#pragma once

#include "engine/arch/map.hpp"
#include "engine/base/log.hpp"
#include "engine/model/model.hpp"
#include "engine/plan/importance.hpp"
#include "engine/provenance/receipts.hpp"
#include "engine/run/execute.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heirloom::record {

enum class Replay : std::uint8_t {
  same,          // bit for bit
  different,     // other bytes than the receipt says
  wrong,         // the receipt says what no receipt may say
  not_possible   // something that it takes is not at hand, or not known here
};

struct Replayed {
  std::string name;       // of the output tensor
  std::size_t line = 0;   // of the receipts, from 1
  Replay verdict = Replay::same;
  std::string why = {};   // of the last two
};

struct ReplayOptions {
  const arch::Maps* maps = nullptr;                   // what they compute from a configuration, a receipt may hold as a literal
  const plan::ImportanceMatrix* importance = nullptr;
  std::size_t threads = 0;                            // 0: all cores
  std::uint64_t memory_bytes = run::default_memory_bytes;
  std::size_t sample = 0;                             // so many receipts alone; 0 for all
  std::uint64_t seed = 0;                             // chooses them
};

// `written` describes the checkpoint whose receipts these are; receipts of tensors that it does not have are wrong. In the order
// of the receipts, without those of tensors that were left out.
Result<std::vector<Replayed>> replay(const std::vector<provenance::Receipt>& receipts, const Checkpoint& written,
                                     const model::Source& source, const ReplayOptions& options, const base::Log& log);

}  // namespace heirloom::record
