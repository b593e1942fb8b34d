// Receipts of an executed plan (formats/facts/provenance.md#receipts). Pure.
#pragma once

#include "engine/model/model.hpp"
#include "engine/plan/plan.hpp"
#include "engine/provenance/receipts.hpp"
#include "engine/run/execute.hpp"

#include <vector>

namespace heirloom::record {

// What was done to make a tensor, in order.
std::vector<model::Json> operations_of(const Checkpoint& source, const plan::PlanTensor& tensor);

// One for each output tensor in the order of the files, then one for each that was left out. The outcome has the digests of
// the source's tensors.
std::vector<provenance::Receipt> receipts_of(const plan::Plan& plan, const Checkpoint& source, const run::Outcome& outcome);

}  // namespace heirloom::record
