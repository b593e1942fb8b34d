#include "engine/record/ledger.hpp"

namespace heirloom::record {
namespace {

std::string name_of(plan::Fate fate) {
  switch (fate) {
    case plan::Fate::carried: return "carried";
    case plan::Fate::mapped: return "mapped";
    case plan::Fate::beside: return "beside";
    default: return "dropped";
  }
}

}  // namespace

provenance::Ledger ledger_of(const plan::Plan& plan, std::span<const Attr> metadata) {
  provenance::Ledger ledger;
  for (const plan::Disposition& disposition : plan.dispositions)
    ledger.items.push_back({disposition.item, name_of(disposition.fate), disposition.target, disposition.reason});
  for (const Attr& attr : metadata)
    if (attr.key != provenance::events_key && attr.key != provenance::head_key)
      ledger.outputs.push_back({attr.key, provenance::attr_digest(attr)});
  return ledger;
}

}  // namespace heirloom::record
