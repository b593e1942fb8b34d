#include "engine/provenance/dsse.hpp"

#include <algorithm>

namespace heirloom::provenance {

Result<void> sign(const PrivateKey& key, Envelope& envelope) {
  HEIRLOOM_TRY(auto bytes, key.sign(pre_authentication(envelope)));
  envelope.signatures.push_back({key.public_key().hint(), std::move(bytes)});
  return {};
}

bool names_key(const Envelope& envelope, std::string_view hint) {
  return std::any_of(envelope.signatures.begin(), envelope.signatures.end(),
                     [&](const Signature& signature) { return signature.key_id == hint; });
}

Result<SignedLines> sign_lines(const PrivateKey& key, bool countersigns, Log& log) {
  SignedLines counts;
  for (LogLine& line : log.lines) {
    if (!line.statement) {
      ++counts.not_understood;
    } else if (names_key(*line.envelope, key.public_key().hint())) {
      ++counts.already_signed;
    } else if (!line.envelope->signatures.empty() && !countersigns) {
      ++counts.signed_by_others;
    } else {
      HEIRLOOM_CHECK(sign(key, *line.envelope));
      line.text = encode(*line.envelope);
      ++counts.signed_now;
    }
  }
  return counts;
}

std::vector<LineCheck> check_lines(const Log& log, const Trust& trust) {
  std::vector<LineCheck> checks;
  for (const LogLine& line : log.lines) {
    LineCheck& check = checks.emplace_back();
    check.line = checks.size();
    if (!line.statement) {
      check.problem = line.problem;
      continue;
    }
    check.id = line.id;
    check.predicate_type = line.statement->predicate_type;
    check.signatures = verify_signatures(*line.envelope, trust);
    check.voucher = voucher(check.signatures, *line.statement);
  }
  return checks;
}

bool is_vouched_for(const std::vector<LineCheck>& lines) {
  bool has_statement = false;
  for (const LineCheck& line : lines) {
    has_statement = has_statement || !line.id.empty();
    if (!line.id.empty() && line.voucher == nullptr)
      return false;
  }
  return has_statement;
}

}  // namespace heirloom::provenance
