// The index of a sharded checkpoint: which file has which tensor (formats/facts/safetensors.md#index).
#pragma once

#include "heirloom/files.hpp"
#include "heirloom/result.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::safetensors {

inline constexpr std::string_view index_name = "model.safetensors.index.json";
inline constexpr std::string_view index_suffix = ".safetensors.index.json";
inline constexpr std::string_view file_suffix = ".safetensors";

// A file name as an index may have it: model.safetensors.index.json, or with a variant before ".json".
bool is_index_name(std::string_view name);

struct Index {
  std::map<std::string, std::string, std::less<>> file_of;  // tensor -> shard
  std::vector<std::string> warnings;

  // Shards in byte order of their names.
  std::vector<std::string> shards() const;
};

// Shard names are safe: plain file names in the same directory.
Result<Index> read_index(const Files& files, const std::string& file);

// The text of an index, as the ecosystem's own library writes it.
std::string index_text(const std::map<std::string, std::string, std::less<>>& file_of, std::uint64_t total_bytes);

}  // namespace heirloom::safetensors
