// What a checkpoint says of itself: in the front matter of its card, in its configuration, in the keys of its container, in
// the folder that a hub's client or git made. Nothing of it is proven. Reads small files beside the weights, no tensor.
#pragma once

#include "engine/model/model.hpp"
#include "engine/provenance/claims.hpp"

#include <vector>

namespace heirloom::record {

// In the order of the places: card, configuration, keys, licence files, origin of the folder. A file beside a single weight
// file is not asked (engine/plan/package.hpp says when a file stands for its directory). A value that is no UTF-8 has U+FFFD
// in its place; one that is longer than max_claim_bytes is left out.
Result<std::vector<provenance::Claim>> declared_claims(const model::Source& source);

}  // namespace heirloom::record
