// The signatures of the log's lines, and of the whole directory, against the user's trust file.
#include "engine/base/text.hpp"
#include "engine/provenance/names.hpp"
#include "engine/provenance/oms.hpp"
#include "engine/record/verify_parts.hpp"

#include <algorithm>

namespace heirloom::record {
namespace {

using provenance::LogLine;
using provenance::SignatureCheck;
using provenance::Trust;

constexpr std::size_t short_id = 12;

// What the signatures of each line of the log are worth. One by a pinned key that does not hold over its line is a mismatch, on
// any line: the line was changed, or somebody claims the key.
std::vector<SignatureCheck> check_lines(Check& check, const Trust& trust) {
  std::vector<SignatureCheck> all;
  for (const LogLine& line : check.found.log.lines) {
    const SignatureCheck& signatures = all.emplace_back(line.envelope ? provenance::verify_signatures(*line.envelope, trust) : SignatureCheck{});
    const auto step = std::find_if(check.chain.begin(), check.chain.end(), [&](const Link* link) { return link->id == line.id; });
    for (const std::string& hint : signatures.broken)
      check.mismatch("signature", step == check.chain.end() ? "line " + std::to_string(all.size()) : (*step)->words(),
                     "line " + std::to_string(all.size()) + " of the log names key " + hint.substr(0, short_id) + ", which did not sign it");
  }
  return all;
}

// Of the lines with this id one that a pinned key vouches for, or else any that is signed, or any.
std::size_t best_line(const Check& check, const std::vector<SignatureCheck>& lines, const std::string& id) {
  std::size_t best = 0;
  int best_score = -1;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const LogLine& line = check.found.log.lines[i];
    if (line.id != id || !line.statement)
      continue;
    const int score = provenance::voucher(lines[i], *line.statement) != nullptr ? 2 : !line.envelope->signatures.empty();
    if (score > best_score) {
      best = i;
      best_score = score;
    }
  }
  return best;
}

// Signs each event that a pinned key vouches for; says of the others why not.
void check_events(Check& check, const std::vector<SignatureCheck>& lines, bool is_covered) {
  for (std::size_t i = 0; i < check.chain.size(); ++i) {
    const Link& link = *check.chain[i];
    const std::size_t at = best_line(check, lines, link.id);
    const provenance::TrustedKey* key = provenance::voucher(lines[at], *link.source->statement);
    if (key != nullptr)
      check.out.chain[i].signer = key->name;
    else if (!is_covered)
      check.against(Level::is_signed, link.words() + " " + provenance::why_no_voucher(lines[at], *link.source->statement));
  }
}

// Times and programs stand in lines of their own, which no event names: they need a signature of their own.
void note_unsigned_runs(Check& check, const std::vector<SignatureCheck>& lines) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const LogLine& line = check.found.log.lines[i];
    if (!line.statement || line.statement->predicate_type != provenance::run_type || provenance::voucher(lines[i], *line.statement) != nullptr)
      continue;
    const auto run = provenance::parse_run(*line.statement);
    for (std::size_t step = 0; run && step < check.chain.size(); ++step)
      if (check.chain[step]->id == run->event && !check.out.chain[step].signer.empty())
        check.out.notes.push_back("line " + std::to_string(i + 1) + " of the log, which says when and by what program " +
                                  check.chain[step]->words() + " was made, is not signed by a trusted key: anybody may have changed it");
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
  const std::vector<SignatureCheck> lines = check_lines(check, *check.options.trust);
  check_events(check, lines, is_covered);
  if (!is_covered)
    note_unsigned_runs(check, lines);
  return {};
}

}  // namespace heirloom::record
