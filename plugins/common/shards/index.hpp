// The index of a sharded checkpoint, which every Hugging Face container has: which file has which tensor
// (formats/facts/safetensors.md#index). Values own their memory.
#pragma once

#include "heirloom/files.hpp"
#include "heirloom/result.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::shards {

// A file name as the index of files with this suffix may have it: model.safetensors.index.json for ".safetensors", or
// with a variant before ".json".
bool is_index_name(std::string_view name, std::string_view suffix);

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

}  // namespace heirloom::shards
