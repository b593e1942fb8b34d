// Which files make up a checkpoint (formats/facts/safetensors.md#shards). Values own their memory.
#pragma once

#include "heirloom/files.hpp"
#include "heirloom/result.hpp"
#include "index.hpp"

#include <optional>
#include <string>
#include <vector>

namespace heirloom::safetensors {

struct Shards {
  std::vector<std::string> names;  // in the order in which they are read
  std::optional<Index> index;      // says which of their tensors count; absent: all
  std::vector<std::string> warnings;
};

// Names of the directory's safetensors files and indexes.
std::vector<std::string> file_names(const Files& files);
std::vector<std::string> index_names(const Files& files);

// An error when there is none, or when it is not clear which index is meant.
Result<Shards> find_shards(const Files& files);

}  // namespace heirloom::safetensors
