// Files that others made and that carry no record, held against the source that they are said to come from: for each tensor
// whether it is exactly what our encoders make of the source's - at once, or with a rounded file between, as llama.cpp's
// users do - or how far it is off, and which recipe chose the encodings. Nothing is written; memory is bounded; the answer
// does not depend on the number of threads.
#pragma once

#include "engine/arch/map.hpp"
#include "engine/base/log.hpp"
#include "engine/encoding/statistics.hpp"
#include "engine/model/model.hpp"
#include "engine/plan/importance.hpp"
#include "engine/record/recipe_match.hpp"
#include "engine/record/trial.hpp"
#include "engine/run/execute.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace heirloom::record {

enum class Made : std::uint8_t {
  exact,         // every byte
  different,
  other_shape,
  not_in_source, // only the other file has it
  not_in_file    // only the source has it
};

struct MadeTensor {
  std::string name;                    // in the other file's ecosystem
  Made verdict = Made::exact;
  std::string from, encoding;          // the source's numbers, the other file's
  std::vector<std::uint64_t> from_shape, shape;
  Way way = {};                        // of an exact tensor, else the one that comes nearest
  std::string why = {};                // of a tensor that nothing of ours makes
  Tally tally = {};                    // of the nearest way; no blocks where there is none
  std::optional<encoding::ErrorStatistics> error = {};  // theirs against the source's numbers, where it is not exact
};

struct Foreign {
  std::vector<MadeTensor> tensors;     // in the file's order, then what only the source has
  RecipeMatch recipe;
  bool is_exact = false;               // every tensor of both
  bool has_importance_keys = false;    // the file says that it was made with an importance matrix
};

struct ForeignOptions {
  const plan::ImportanceMatrix* importance = nullptr;
  std::size_t threads = 0;                            // 0: all cores
  std::uint64_t memory_bytes = run::default_memory_bytes;
};

Result<Foreign> compare_foreign(const model::Source& theirs, const model::Source& source, const arch::Maps& maps,
                                const ForeignOptions& options, const base::Log& log);

}  // namespace heirloom::record
