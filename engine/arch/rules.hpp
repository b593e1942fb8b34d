// The tensor rules of a map, read for one way: which names a side has, in which layers, of how many experts. Internal to
// engine/arch. Pure functions.
#pragma once

#include "engine/arch/layers.hpp"
#include "engine/arch/map.hpp"
#include "engine/arch/pattern.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heirloom::arch {

enum class Side { hugging_face, gguf, native };

// The name patterns of a rule's tensors on one side, in the order in which its verbs see them; none where it has no place.
std::vector<std::string> patterns_of(const fb::TensorRuleT& rule, Side side);

// How many tensors "{e}" stands for: 1 where neither side has it.
Result<std::uint64_t> experts_of(const fb::TensorRuleT& rule, const model::Json& config);

// The layers that have the rule's tensors, ascending; no_layer alone where the pattern has no "{i}".
std::vector<std::uint64_t> layers_of(const fb::TensorRuleT& rule, const std::string& pattern, const Layers& layers);

}  // namespace heirloom::arch
