// Claims: what a checkpoint says of itself, each with the place that says it and how much that is worth
// (formats/facts/provenance.md#lineage-what-the-source-says-of-itself). Values.
#pragma once

#include "engine/model/json.hpp"
#include "heirloom/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::provenance {

inline constexpr std::size_t max_claims = 4096;
inline constexpr std::size_t max_claim_bytes = 4096;  // of a value or a place

// How much a claim is worth. Copying a claim never makes it more.
inline constexpr std::string_view status_observed = "observed";  // computed
inline constexpr std::string_view status_declared = "declared";  // a file says so, and nothing proves it
inline constexpr std::string_view status_inferred = "inferred";  // by a rule

struct Claim {
  std::string field;   // "license", "base-model"
  std::string value;
  std::string status;
  std::string from;    // the place, or "rule:" and the rule's name
  bool operator==(const Claim&) const = default;
};

// The predicate of a lineage statement.
model::Json lineage_predicate(const std::vector<Claim>& claims);
// Strict: an unknown member, status or a text beyond the limits is an error that names the claim.
Result<std::vector<Claim>> parse_lineage(const model::Json& predicate);

}  // namespace heirloom::provenance
