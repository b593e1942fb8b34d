// weightValueRootV1 of what a conversion reads and writes: the numbers of the source under their canonical names
// (formats/facts/provenance.md#identity), digested while they come by. The output has the same root where its encodings hold
// every number of the source and none is left out.
#pragma once

#include "engine/arch/map.hpp"
#include "engine/arch/tensors.hpp"
#include "engine/base/digest.hpp"
#include "engine/model/model.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/tensor_digest.hpp"

#include <span>
#include <string>
#include <vector>

namespace heirloom::record {

struct ValuePlan {
  std::vector<arch::MappedTensor> tensors = {};  // over the source's (run::ExecuteOptions::canonical)
  std::string why_not = {};                      // the source has no value root: in words
  std::string why_not_kept = {};                 // the output's numbers are others, or not all of the source's: in words
  bool is_quantized = false;                     // some are written as blocks, whose numbers have no root

  bool has_source() const { return why_not.empty(); }
  bool has_output() const { return why_not.empty() && why_not_kept.empty(); }
};

ValuePlan plan_values(const model::Source& source, const arch::Maps& maps, const plan::Plan& plan);

// `values` are parallel to `tensors`.
base::Digest value_root(std::span<const arch::MappedTensor> tensors, std::span<const run::Values> values);

}  // namespace heirloom::record
