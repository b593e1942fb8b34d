// The lineage statement: what a source says of itself when it is first met without a record
// (formats/facts/provenance.md#lineage-what-the-source-says-of-itself). Pure.
#pragma once

#include "engine/provenance/claims.hpp"
#include "engine/provenance/statement.hpp"
#include "engine/record/event.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace heirloom::record {

// `read` are files beside the source's weights; those that the user named are none of them.
provenance::Statement lineage_of(const std::vector<provenance::Claim>& claims, const EventDigests& digests, std::span<const EventFile> read);

// The value of the first claim of this field; "" without.
std::string_view value_of(const std::vector<provenance::Claim>& claims, std::string_view field);

}  // namespace heirloom::record
