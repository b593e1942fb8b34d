// The tensor rules of a map, read for one way: which names a side has, in which layers, of how many experts. Internal to
// engine/arch. Pure functions.
#pragma once

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

// The layers that have a rule's tensors.
struct Layers {
  std::uint64_t first = 0, end = 0;
  std::vector<bool> chosen = {};  // by layer, of a list of the configuration; empty for all

  bool has(std::uint64_t layer) const {
    return layer >= first && layer < end && (chosen.empty() || chosen[static_cast<std::size_t>(layer)]);
  }
};
Result<Layers> layers_of(const fb::TensorRuleT& rule, std::uint64_t layers, const model::Json& config);

}  // namespace heirloom::arch
