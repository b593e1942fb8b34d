// The verbs of a tensor rule, done to arrangements and undone. Internal to engine/arch. Pure functions; what does not fit is
// an error without the tensor's name.
#pragma once

#include "engine/arch/arrangement.hpp"
#include "engine/arch/map.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heirloom::arch {

// Numbers that verbs go by.
struct VerbFacts {
  std::uint64_t experts = 1;
  std::size_t parts = 1;    // of the Hugging Face side, "{e}" counted once
  std::size_t targets = 1;  // of the other
};

// The other side's tensors, of the Hugging Face side's.
Result<std::vector<Arrangement>> do_verbs(const fb::TensorRuleT& rule, const model::Json& config, const VerbFacts& facts,
                                          std::vector<Arrangement> tensors);

// The Hugging Face side's tensors, of the other side's. `shapes` are those that the Hugging Face side has; they may be
// missing for verbs that do not need them.
Result<std::vector<Arrangement>> undo_verbs(const fb::TensorRuleT& rule, const model::Json& config, const VerbFacts& facts,
                                            const std::vector<std::vector<std::uint64_t>>& shapes,
                                            std::vector<Arrangement> tensors);

// True when the verb is undone without the shapes of before.
bool keeps_shape(fb::VerbKind kind);

// Why the rule's numbers may not come back exactly; "" when they do.
std::string loss_of(const fb::TensorRuleT& rule);

}  // namespace heirloom::arch
