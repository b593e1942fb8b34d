#include "plugins/pytorch/sources.hpp"

#include <algorithm>

namespace heirloom::pytorch {
namespace {

constexpr std::string_view suffixes[] = {".pt", ".pth", ".bin", ".ckpt"};

// What trainers write beside the weights: file names begin with one of these.
constexpr std::string_view companions[] = {"training_args", "optimizer", "scheduler", "scaler", "rng_state", "random_states"};

// "consolidated.00.pth": the name without the number.
constexpr std::string_view rank_front = "consolidated.", rank_back = ".pth";

bool is_rank(std::string_view name) {
  if (!name.starts_with(rank_front) || !name.ends_with(rank_back) || name.size() < rank_front.size() + rank_back.size() + 2)
    return false;
  const std::string_view number = name.substr(rank_front.size(), name.size() - rank_front.size() - rank_back.size());
  return number.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_companion(std::string_view name) {
  return std::any_of(std::begin(companions), std::end(companions),
                     [&](std::string_view front) { return name.starts_with(front); });
}

bool is_shard(std::string_view name) { return name.starts_with("pytorch_model-") && name.ends_with(".bin"); }

template <class Test>
std::vector<std::string> names_that(const Files& files, Test test) {
  std::vector<std::string> names = files.names();
  std::erase_if(names, [&](const std::string& name) { return !test(name); });
  return names;
}

std::string two_digits(std::size_t number) { return (number < 10 ? "0" : "") + std::to_string(number); }

Result<Sources> all_ranks(std::vector<std::string> names) {
  for (std::size_t rank = 0; rank < names.size(); ++rank) {
    const std::string wanted = std::string(rank_front) + two_digits(rank) + std::string(rank_back);
    if (names[rank] != wanted)
      return fail(Error{Code::malformed, "the directory has " + std::to_string(names.size()) +
                                             " model-parallel ranks, but no \"" + wanted + "\"", no_position, names[rank]});
  }
  Sources sources;
  sources.are_ranks = names.size() > 1;
  sources.shards.names = std::move(names);
  return sources;
}

Result<Sources> indexed(const Files& files, const std::string& index) {
  Sources sources;
  HEIRLOOM_TRY(sources.shards, shards::indexed_shards(files, index));
  return sources;
}

Result<Sources> sources_of_directory(const Files& files) {
  const auto indexes = shards::names_ending(files, ".bin.index.json");
  const bool has_main = std::ranges::binary_search(indexes, index_name);
  if (indexes.size() > 1 && !has_main)
    return fail(Code::misuse, "several indexes in the directory: " + shards::quoted_list(indexes) + "; name one of them");
  if (!indexes.empty())
    return indexed(files, has_main ? std::string(index_name) : indexes.front());
  Sources sources;
  if (files.has("pytorch_model.bin")) {
    sources.shards.names = {"pytorch_model.bin"};
    return sources;
  }
  if (auto ranks = names_that(files, is_rank); !ranks.empty())
    return all_ranks(std::move(ranks));
  sources.shards.names = names_that(files, is_shard);
  if (!sources.shards.names.empty()) {
    sources.shards.warnings.push_back("no index in the directory; all of its shards are read as one checkpoint: " +
                                      shards::quoted_list(sources.shards.names));
    return sources;
  }
  sources.shards.names = names_that(files, [](const std::string& name) { return has_suffix(name) && !is_companion(name); });
  if (sources.shards.names.empty())
    return fail(Code::io, "no PyTorch checkpoint in the directory");
  if (sources.shards.names.size() > 1)
    return fail(Code::misuse, "several files in the directory may be the checkpoint: " +
                                  shards::quoted_list(sources.shards.names) + "; name one of them");
  return sources;
}

}  // namespace

std::string Sources::prefix_of(std::size_t file) const {
  return are_ranks ? std::string(rank_front) + two_digits(file) + "." : std::string();
}

bool has_suffix(std::string_view name) {
  return std::any_of(std::begin(suffixes), std::end(suffixes), [&](std::string_view suffix) { return name.ends_with(suffix); });
}

bool has_checkpoint(const Files& files) {
  const std::vector<std::string> names = files.names();
  const auto any = [&](auto test) { return std::any_of(names.begin(), names.end(), test); };
  return any([](const std::string& name) { return has_suffix(name) && !is_companion(name); });
}

Result<Sources> find_sources(const Files& files) {
  const std::string primary(files.primary());
  if (primary.empty())
    return sources_of_directory(files);
  if (shards::is_index_name(primary, ".bin"))
    return indexed(files, primary);
  Sources sources;
  sources.shards.names = {primary};
  if (is_rank(primary) && names_that(files, is_rank).size() > 1)
    sources.shards.warnings.push_back("\"" + primary + "\" is one of several model-parallel ranks; name the directory to have "
                                      "all of them");
  return sources;
}

}  // namespace heirloom::pytorch
