// The files of a sharded checkpoint, and the names in messages. Values own their memory.
#pragma once

#include "heirloom/files.hpp"
#include "heirloom/result.hpp"
#include "plugins/common/shards/index.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::shards {

struct Shards {
  std::vector<std::string> names;  // in the order in which they are read
  std::optional<Index> index;      // says which of their tensors count; absent: all
  std::vector<std::string> warnings;

  // Whether the index places a tensor that this file has somewhere else, or nowhere.
  bool belongs_elsewhere(std::string_view tensor, std::string_view file) const;
};

// The files that an index names; an error when one is not there.
Result<Shards> indexed_shards(const Files& files, const std::string& index_file);

// The directory's files whose names end so, in byte order.
std::vector<std::string> names_ending(const Files& files, std::string_view suffix);

// "a", "b" and 7 more.
std::string quoted_list(const std::vector<std::string>& names);

}  // namespace heirloom::shards
