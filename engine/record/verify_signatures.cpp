// The signatures of the events, and of the whole directory, against the user's trust file.
#include "engine/base/text.hpp"
#include "engine/provenance/names.hpp"
#include "engine/provenance/oms.hpp"
#include "engine/record/verify_parts.hpp"

#include <algorithm>

namespace heirloom::record {
namespace {

using provenance::Trust;

// Signs each event that a pinned key vouches for; says of the others why not.
void check_events(Check& check, const Trust& trust, bool is_covered) {
  for (std::size_t i = 0; i < check.chain.size(); ++i) {
    const Link& link = *check.chain[i];
    const auto signatures = provenance::verify_signatures(*link.source->envelope, trust);
    for (const std::string& hint : signatures.broken)
      check.mismatch("signature", link.words(), "names key " + hint.substr(0, 12) + ", which did not sign this event");
    const provenance::TrustedKey* key = provenance::voucher(signatures, *link.source->statement);
    if (key != nullptr)
      check.out.chain[i].signer = key->name;
    else if (!is_covered)
      check.against(Level::is_signed, link.words() + " " + provenance::why_no_voucher(signatures, *link.source->statement));
  }
}

std::string difference_text(const provenance::OmsDifference& difference) {
  using Kind = provenance::OmsDifference::Kind;
  switch (difference.kind) {
    case Kind::changed: return "is not as it was signed";
    case Kind::missing: return "was signed, but is not there";
    case Kind::unsigned_file: return "is not signed";
    case Kind::link: return "is a link, which no signature covers";
  }
  return "";
}

// Whether model.sig of the directory, by somebody who may vouch for each event of the chain, covers the log.
Result<bool> check_model_signature(Check& check, const Trust& trust) {
  using provenance::OmsState;
  const std::string name(provenance::signature_name);
  const auto& names = check.checked.files->names();
  if (check.options.directory.empty() || !std::binary_search(names.begin(), names.end(), name))
    return false;
  const auto verdict = provenance::verify_oms(check.options.directory, check.checked.files->display(name), trust,
                                              {check.options.at, check.options.threads}, check.log);
  if (!verdict && verdict.error().code == Code::io)
    return fail(Error(verdict.error()));
  if (!verdict || verdict->signer.state == OmsState::broken) {
    check.mismatch("signature", name, verdict ? verdict->signer.problem : verdict.error().message);
    return false;
  }
  const provenance::OmsSigner& signer = verdict->signer;
  if (signer.state != OmsState::valid) {
    check.out.notes.push_back(name + ": " + signer.problem);
    if (signer.state == OmsState::untrusted)
      return false;
  }
  for (const auto& difference : verdict->differences)
    check.mismatch("file", difference.name, difference_text(difference) + " (" + name + ")");
  const std::string log = provenance::file_name(provenance::Part::log, record_base(check.checked));
  const auto& left_out = verdict->not_covered;
  const bool covers_log = check.found.has_log_file && std::find(left_out.begin(), left_out.end(), log) == left_out.end();
  const bool may_vouch = std::all_of(check.chain.begin(), check.chain.end(), [&](const Link* link) {
    return provenance::may_vouch(signer.builders(), *link->source->statement);
  });
  if (verdict->is_valid())
    check.out.notes.push_back(name + " is valid, signed by " + base::quoted(signer.key != nullptr ? signer.key->name : signer.authority->name));
  return verdict->is_valid() && covers_log && may_vouch;
}

}  // namespace

Result<void> check_signatures(Check& check) {
  if (check.options.trust == nullptr) {
    check.against(Level::is_signed, "no trust file was given (--trust FILE)");
    return {};
  }
  HEIRLOOM_TRY(const bool is_covered, check_model_signature(check, *check.options.trust));
  check_events(check, *check.options.trust, is_covered);
  return {};
}

}  // namespace heirloom::record
