#include "plugins/pytorch/reader.hpp"

#include "plugins/pytorch/contents.hpp"
#include "plugins/pytorch/opened.hpp"
#include "plugins/pytorch/sources.hpp"

namespace heirloom::pytorch {
namespace {

Result<ReadOptions> parse_options(const Options& options) {
  ReadOptions parsed;
  for (const Attr& option : options) {
    if (option.key == "strip_prefix" && option.get_text())
      parsed.strip_prefix = *option.get_text();
    else if (option.key == "optimizer_state" && option.get<bool>())
      parsed.optimizer_state = *option.get<bool>();
    else
      return fail(Code::misuse, "unknown option \"" + option.key + "\", or a value of another type than it has");
  }
  return parsed;
}

std::uint32_t score_of(Container container, std::string_view name) {
  switch (container) {
    case Container::zip: case Container::legacy: case Container::tar: return HEIRLOOM_PROBE_CONTENT;
    case Container::bare_pickle: return has_suffix(name) ? HEIRLOOM_PROBE_MAYBE : HEIRLOOM_PROBE_NO;
    default: return HEIRLOOM_PROBE_NO;
  }
}

// Safetensors beside them are the same weights, and read without a pickle.
std::uint32_t score_of_directory(const Files& files) {
  if (!has_checkpoint(files))
    return HEIRLOOM_PROBE_NO;
  if (!shards::names_ending(files, ".safetensors").empty())
    return HEIRLOOM_PROBE_MAYBE;
  const auto sources = find_sources(files);
  if (!sources || !files.has(sources->shards.names.front()))
    return HEIRLOOM_PROBE_MAYBE;
  const std::string& first = sources->shards.names.front();
  const auto container = find_container(files, first);
  return container ? score_of(*container, first) : std::uint32_t{HEIRLOOM_PROBE_MAYBE};
}

}  // namespace

Result<std::uint32_t> PytorchReader::probe(std::uint32_t, const Files& files) const {
  const std::string primary(files.primary());
  if (primary.empty())
    return score_of_directory(files);
  if (shards::is_index_name(primary, ".bin"))
    return HEIRLOOM_PROBE_MAYBE;
  HEIRLOOM_TRY(const Container container, find_container(files, primary));
  return score_of(container, primary);
}

Result<std::unique_ptr<OpenCheckpoint>> PytorchReader::open(std::uint32_t, const Files& files,
                                                            const Options& options) const {
  HEIRLOOM_TRY(const ReadOptions wanted, parse_options(options));
  HEIRLOOM_TRY(const Sources sources, find_sources(files));
  std::vector<Contents> contents;
  for (const std::string& name : sources.shards.names) {
    auto one = read_contents(files, name, wanted);
    if (!one)
      return fail(std::move(one).error().in_file(name));
    contents.push_back(std::move(*one));
  }
  return Opened::make(files, sources, std::move(contents), wanted);
}

}  // namespace heirloom::pytorch
