// Which files of a directory make up a checkpoint, and how their tensors are called together
// (formats/facts/pytorch.md#files). Values own their memory.
#pragma once

#include "heirloom/files.hpp"
#include "plugins/common/shards/shards.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace heirloom::pytorch {

struct Sources {
  shards::Shards shards;
  bool are_ranks = false;  // model-parallel ranks, which have the same names: rank N's are called consolidated.NN.NAME

  std::string prefix_of(std::size_t file) const;
};

inline constexpr std::string_view index_name = "pytorch_model.bin.index.json";

// Whether a directory has a file called as PyTorch's checkpoints are.
bool has_checkpoint(const Files& files);

// Whether a file is called as PyTorch's are.
bool has_suffix(std::string_view name);

// An error when there is none, or when it is not clear which is meant.
Result<Sources> find_sources(const Files& files);

}  // namespace heirloom::pytorch
