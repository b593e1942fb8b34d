// The ledger of a conversion: what its plan makes of every metadata item of the source, and the items of the output's own
// metadata (formats/facts/provenance.md#ledger). Reads the source's side files for their digests, no tensors. Any thread.
#pragma once

#include "engine/model/model.hpp"
#include "engine/plan/plan.hpp"
#include "engine/provenance/ledger.hpp"

#include <span>

namespace heirloom::record {

// Internal when the plan does not account for every item of the source (engine/plan/inventory.hpp).
Result<provenance::Ledger> make_ledger(const plan::Plan& plan, const model::Source& source, std::span<const Attr> outputs);
// With plan.target.attrs: call it when the plan has all of them.
Result<provenance::Ledger> make_ledger(const plan::Plan& plan, const model::Source& source);

}  // namespace heirloom::record
