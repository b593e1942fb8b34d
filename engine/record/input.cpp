#include "engine/record/input.hpp"

#include "engine/plan/package.hpp"
#include "engine/provenance/names.hpp"
#include "engine/record/origin.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

namespace heirloom::record {
namespace {

// ".../models--ORG--NAME/snapshots/REVISION", as a hub's cache has it, is ORG/NAME.
std::optional<std::string> cached_name(const model::Source& source) {
  for (const provenance::Claim& claim : origin_claims(source, false))
    if (constexpr std::string_view hub = "https://huggingface.co/"; claim.field == "repository" && claim.value.starts_with(hub))
      return claim.value.substr(hub.size());
  return std::nullopt;
}

Result<std::string> name_of(const model::Source& source) {
  HEIRLOOM_TRY(const plan::Package package, plan::read_package(source, false));
  if (!package.has_neighbours)
    return source.checkpoint.files.front().name;
  return is_commit(package.name) ? cached_name(source).value_or(package.name) : package.name;
}

}  // namespace

Result<Input> take_input(model::Source& source) {
  Input input;
  HEIRLOOM_TRY(input.found, find_record(source));
  HEIRLOOM_TRY(input.name, name_of(source));
  input.format = source.checkpoint.format;
  for (const File& file : source.checkpoint.files)
    input.files.push_back(file.name);
  input.metadata_root = provenance::metadata_root(source.checkpoint.attrs);
  std::erase_if(source.checkpoint.attrs, [](const Attr& attr) { return provenance::is_record_key(attr.key); });
  return input;
}

}  // namespace heirloom::record
