// A receipt as a plan again: which elements of which source tensors, and what is done to them. Everything that a receipt says
// is checked here, so that what reads by it may trust it. Pure functions.
#pragma once

#include "engine/plan/importance.hpp"
#include "engine/plan/plan.hpp"
#include "engine/provenance/receipts.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string_view>

namespace heirloom::record {

// Index in a checkpoint by name. Names are borrowed.
using TensorNames = std::map<std::string_view, std::uint32_t, std::less<>>;
TensorNames names_of(const Checkpoint& checkpoint);

struct ReceiptContext {
  const Checkpoint* source = nullptr;
  const TensorNames* source_names = nullptr;
  const Encoding* encoding = nullptr;                  // of the output's tensor, as the checked file has it
  std::span<const std::uint64_t> shape = {};           // likewise
  const plan::ImportanceMatrix* importance = nullptr;  // null for none
};

// The output's encoding and shape must be the context's. Boxes lie inside their tensors, hold as many elements as the output
// (is_covered() tells whether they overlap), and operations are known and in an order that has a meaning.
// Errors: malformed for what no receipt may say, unsupported for an operation that is not known, misuse for what is not at
// hand: a source tensor, the importance matrix. `encoding` is set to what the plan's tensor is encoded to, which may have
// another name than the container gives it.
Result<plan::PlanTensor> plan_of(const provenance::Receipt& receipt, const ReceiptContext& context, Encoding& encoding);

// True when the boxes fill each of the output elements [first, first + count) exactly once.
bool is_covered(std::span<const arch::Box> boxes, std::uint64_t first, std::uint64_t count);

}  // namespace heirloom::record
