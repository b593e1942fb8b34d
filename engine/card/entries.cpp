#include "engine/card/entries.hpp"

#include "engine/card/card.hpp"

#include <algorithm>

namespace heirloom::card {

namespace {

constexpr std::string_view hub = "huggingface.co";

// "org/name" of an address of exactly that form on the hub, else "". The dot of the host name stands for any character,
// as it does in the reference converter.
std::string_view hub_id_of(std::string_view address) {
  if (address.find(hub) == std::string_view::npos || !address.starts_with("http"))
    return {};
  std::string_view rest = address.substr(address.starts_with("https") ? 5 : 4);
  if (!rest.starts_with("://"))
    return {};
  rest.remove_prefix(3);
  if (rest.size() <= hub.size() || !rest.starts_with("huggingface") || rest.substr(12, 2) != "co" ||
      rest[hub.size()] != '/')
    return {};
  rest.remove_prefix(hub.size() + 1);
  const std::size_t slash = rest.find('/');
  const bool is_pair = slash != std::string_view::npos && slash > 0 && slash + 1 < rest.size() &&
                       rest.find('/', slash + 1) == std::string_view::npos;
  return is_pair ? rest : std::string_view();
}

void name_entry(Entry& entry, const NameParts& parts) {
  field_of(entry, "name") = title_of(parts.full_name.value_or(""));
  if (parts.organization)
    field_of(entry, "organization") = title_of(*parts.organization);
  field_of(entry, "version") = parts.version.value_or("");
}

}  // namespace

std::string& field_of(Entry& entry, std::string_view name) {
  const auto* place = std::find(entry_fields.begin(), entry_fields.end(), name);
  return entry[static_cast<std::size_t>(place - entry_fields.begin())];
}

Entry entry_of(const std::string& id, std::int64_t total_parameters) {
  Entry entry;
  const std::string_view text = id;
  if (text.starts_with("http://") || text.starts_with("https://") || text.starts_with("ssh://")) {
    field_of(entry, "repo_url") = id;
    if (const std::string_view pair = hub_id_of(text); !pair.empty())
      name_entry(entry, name_parts(pair, total_parameters));
    return entry;
  }
  const NameParts parts = name_parts(text, total_parameters);
  name_entry(entry, parts);
  if (parts.organization)
    field_of(entry, "repo_url") = "https://huggingface.co/" + *parts.organization + "/" + *parts.full_name;
  return entry;
}

}  // namespace heirloom::card
