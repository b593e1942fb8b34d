#include "engine/record/lineage.hpp"

#include "engine/provenance/identity.hpp"

namespace heirloom::record {

provenance::Statement lineage_of(const std::vector<provenance::Claim>& claims, const EventDigests& digests, std::span<const EventFile> read) {
  provenance::Statement statement;
  statement.predicate_type = provenance::lineage_type;
  statement.predicate = provenance::lineage_predicate(claims);
  statement.subject.push_back(weights_resource(std::string(weights_name), digests.source_stored_root, digests.source_value_root, digests.source_metadata_root));
  for (const EventFile& file : read) {
    if (!file.option.empty())
      continue;
    provenance::Resource resource;
    resource.name = file.name;
    resource.digest = {{"sha256", base::to_hex(file.sha256)}};
    statement.subject.push_back(std::move(resource));
  }
  return statement;
}

std::string_view value_of(const std::vector<provenance::Claim>& claims, std::string_view field) {
  for (const provenance::Claim& claim : claims)
    if (claim.field == field)
      return claim.value;
  return {};
}

}  // namespace heirloom::record
