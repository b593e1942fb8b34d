// Comparing two checkpoints tensor by tensor, across containers and ecosystems: the plan that would turn the first into
// the second's names and layout is followed, piece by piece, and its bytes are held against the second's. Nothing is
// written; memory is bounded as in execute.hpp.
#pragma once

#include "engine/base/log.hpp"
#include "engine/model/model.hpp"
#include "engine/plan/plan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heirloom::run {

enum class Verdict : std::uint8_t {
  identical,      // same encoding, same bytes
  same_values,    // other encoding, every value the same
  different,      // some values differ
  other_shape,
  only_first,
  only_second,
  not_comparable  // encodings that cannot be decoded, with different bytes or ids
};

struct TensorComparison {
  std::string name;                    // in the second's ecosystem
  Verdict verdict = Verdict::identical;
  std::string first_encoding, second_encoding;
  std::vector<std::uint64_t> first_shape, second_shape;
  // Of different values: first minus second.
  std::uint64_t differing = 0;         // elements
  double max_error = 0;                // largest absolute difference
  double rms_error = 0;                // root mean square difference
  double rms_first = 0;                // root mean square of the first, to hold it against
  bool is_reencoding = false;          // the second is exactly the first in the second's encoding
};

struct CompareOptions {
  std::size_t threads = 0;
  std::uint64_t memory_bytes = 1ull << 30;
};

// `tensors` are the first's, named and laid out as the second's (plan::tensors_in). Result in the order of the second,
// then what only the first has. Synthesized tensors of the first take part with their values.
Result<std::vector<TensorComparison>> compare(const model::Source& first, const std::vector<plan::PlanTensor>& tensors,
                                              const model::Source& second, const CompareOptions& options,
                                              const base::Log& log);

}  // namespace heirloom::run
