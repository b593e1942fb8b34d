#include "plugins/common/shards/shards.hpp"

#include <algorithm>

namespace heirloom::shards {

bool Shards::belongs_elsewhere(std::string_view tensor, std::string_view file) const {
  if (!index)
    return false;
  const auto found = index->file_of.find(tensor);
  return found == index->file_of.end() || found->second != file;
}

std::vector<std::string> names_ending(const Files& files, std::string_view suffix) {
  std::vector<std::string> names = files.names();
  std::erase_if(names, [&](const std::string& name) { return !name.ends_with(suffix); });
  return names;
}

std::string quoted_list(const std::vector<std::string>& names) {
  constexpr std::size_t max_listed = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), max_listed); ++i)
    text += (i == 0 ? "\"" : ", \"") + names[i] + "\"";
  return names.size() > max_listed ? text + " and " + std::to_string(names.size() - max_listed) + " more" : text;
}

Result<Shards> indexed_shards(const Files& files, const std::string& file) {
  HEIRLOOM_TRY(Index index, read_index(files, file));
  Shards shards;
  shards.names = index.shards();
  shards.warnings = std::move(index.warnings);
  for (const std::string& name : shards.names)
    if (const auto size = files.size(name); !size)
      return fail(Error{size.error().code, "cannot open shard \"" + name + "\" that the index \"" + file +
                                               "\" names: " + size.error().message, no_position, name});
  shards.index = std::move(index);
  return shards;
}

}  // namespace heirloom::shards
