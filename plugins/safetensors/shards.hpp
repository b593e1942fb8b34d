// Which files make up a checkpoint (formats/facts/safetensors.md#shards). Values own their memory.
#pragma once

#include "plugins/common/shards/shards.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace heirloom::safetensors {

using shards::Shards;

inline constexpr std::string_view index_name = "model.safetensors.index.json";
inline constexpr std::string_view index_suffix = ".safetensors.index.json";
inline constexpr std::string_view file_suffix = ".safetensors";

// Names of the directory's safetensors files and indexes.
std::vector<std::string> file_names(const Files& files);
std::vector<std::string> index_names(const Files& files);

// An error when there is none, or when it is not clear which index is meant.
Result<Shards> find_shards(const Files& files);

}  // namespace heirloom::safetensors
