// What a recipe asks about a model, read from the keys of its GGUF. Pure functions.
#pragma once

#include "heirloom/nouns.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heirloom::plan {

struct ModelFacts {
  std::string architecture = {};     // general.architecture
  std::uint64_t blocks = 0;          // {arch}.block_count
  std::uint64_t heads_per_kv = 0;    // attention heads to a key and value head, in the first layer; 0 without attention
  std::uint64_t experts = 0;         // {arch}.expert_count
  bool is_70b = false;               // llama.cpp calls it so (formats/facts/recipes.md#size)
};

ModelFacts model_facts(const std::vector<Attr>& attrs);

// The same from numbers, for the sake of is_70b.
ModelFacts model_facts(std::string architecture, std::uint64_t blocks, std::uint64_t heads, std::uint64_t kv_heads,
                       std::uint64_t experts);

}  // namespace heirloom::plan
