// The metadata ledger of a plan (formats/facts/provenance.md#ledger). Pure.
#pragma once

#include "engine/plan/plan.hpp"
#include "engine/provenance/ledger.hpp"

#include <span>

namespace heirloom::record {

// `metadata` is the output's own, as its reader gives it.
provenance::Ledger ledger_of(const plan::Plan& plan, std::span<const Attr> metadata);

}  // namespace heirloom::record
