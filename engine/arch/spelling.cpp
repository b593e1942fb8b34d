#include "engine/arch/spelling.hpp"

#include "engine/base/text.hpp"

#include <algorithm>

namespace heirloom::arch {
namespace {

bool is_spelled(const fb::SpellingT& spelling, std::string_view name) {
  return name.starts_with(spelling.to) &&
         (spelling.only.empty() || std::any_of(spelling.only.begin(), spelling.only.end(),
                                               [&](const auto& start) { return name.starts_with(start); }));
}

}  // namespace

std::optional<std::string> read_spelling(const fb::SpellingT& spelling, std::string_view name) {
  if (!name.starts_with(spelling.from))
    return std::nullopt;
  std::string read = spelling.to + std::string(name.substr(spelling.from.size()));
  return is_spelled(spelling, read) ? std::optional(std::move(read)) : std::nullopt;
}

Result<void> spell(const Map& map, std::string_view from, Mapping& mapping) {
  if (from.empty())
    return {};
  const auto found = std::find_if(map.spellings.begin(), map.spellings.end(), [&](const auto& s) { return s->from == from; });
  if (found == map.spellings.end())
    return fail(Code::unsupported, "the map \"" + map.id + "\" does not know tensor names that begin with " + base::quoted(from));
  const fb::SpellingT& spelling = **found;
  const auto respell = [&](std::string& name) {
    if (is_spelled(spelling, name))
      name = spelling.from + name.substr(spelling.to.size());
  };
  for (MappedTensor& tensor : mapping.tensors)
    respell(tensor.name);
  for (LossyTensor& tensor : mapping.lossy)
    respell(tensor.name);
  return {};
}

}  // namespace heirloom::arch
