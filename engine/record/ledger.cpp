#include "engine/record/ledger.hpp"

#include "engine/provenance/identity.hpp"

namespace heirloom::record {
namespace {

std::string_view fate_name(plan::Fate fate) {
  switch (fate) {
    case plan::Fate::carried: return "carried";
    case plan::Fate::mapped: return "mapped";
    case plan::Fate::beside: return "beside";
    default: return "dropped";
  }
}

}  // namespace

Result<provenance::Ledger> make_ledger(const plan::Plan& plan, const model::Source&) {
  provenance::Ledger ledger;
  for (const plan::Disposition& disposition : plan.dispositions)
    ledger.items.push_back({disposition.item, std::string(fate_name(disposition.fate)), disposition.target, disposition.reason});
  for (const Attr& attr : plan.target.attrs)
    if (provenance::is_part_of_root(attr.key))
      ledger.outputs.push_back({attr.key, provenance::attr_digest(attr)});
  return ledger;
}

}  // namespace heirloom::record
