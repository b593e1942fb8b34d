#include "shards.hpp"

#include <algorithm>

namespace heirloom::safetensors {
namespace {

using shards::indexed_shards;
using shards::names_ending;
using shards::quoted_list;

// Safetensors files of the directory that the index does not name.
void warn_of_others(const Files& files, Shards& shards) {
  std::vector<std::string> others = file_names(files);
  std::erase_if(others, [&](const std::string& name) { return std::ranges::binary_search(shards.names, name); });
  if (!others.empty())
    shards.warnings.push_back("not named by the index and not read: " + quoted_list(others));
}

Result<Shards> shards_of_directory(const Files& files) {
  const std::vector<std::string> indexes = index_names(files);
  const bool has_main = std::ranges::binary_search(indexes, index_name);
  if (indexes.size() > 1 && !has_main)
    return fail(Code::misuse, "several indexes in the directory: " + quoted_list(indexes) + "; name one of them");
  if (!indexes.empty()) {
    HEIRLOOM_TRY(Shards shards, indexed_shards(files, has_main ? std::string(index_name) : indexes.front()));
    warn_of_others(files, shards);
    return shards;
  }
  Shards shards{file_names(files), std::nullopt, {}};
  if (shards.names.empty())
    return fail(Code::io, "no safetensors file in the directory");
  if (shards.names.size() > 1)
    shards.warnings.push_back("no index in the directory; all of its safetensors files are read as one checkpoint: " +
                              quoted_list(shards.names));
  return shards;
}

}  // namespace

std::vector<std::string> file_names(const Files& files) { return names_ending(files, file_suffix); }

std::vector<std::string> index_names(const Files& files) { return names_ending(files, index_suffix); }

Result<Shards> find_shards(const Files& files) {
  const std::string primary(files.primary());
  if (primary.empty())
    return shards_of_directory(files);
  if (shards::is_index_name(primary, file_suffix))
    return indexed_shards(files, primary);
  return Shards{{primary}, std::nullopt, {}};
}

}  // namespace heirloom::safetensors
