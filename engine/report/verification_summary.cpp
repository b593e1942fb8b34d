// https://slsa.dev/spec/v1.2/verification_summary
#include "engine/base/bytes.hpp"
#include "engine/report/values.hpp"
#include "engine/report/verify.hpp"

#include "engine/provenance/identity.hpp"
#include "engine/provenance/statement.hpp"

#include <algorithm>
#include <cctype>

namespace heirloom::report {
namespace {

constexpr std::string_view summary_type = "https://slsa.dev/verification_summary/v1";

// "WEIGHTPROV_LEVEL_2_INTACT".
std::string level_name(record::Level level) {
  std::string word(word_of(level));
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return "WEIGHTPROV_LEVEL_" + std::to_string(static_cast<int>(level)) + "_" + word;
}

std::string sha256_of(const std::string& text) {
  return base::to_hex(base::sha256(base::bytes_of(text)));
}

}  // namespace

std::string verification_summary(const Verified& verified, const std::string& time, const std::string& policy) {
  const record::Verification& record = verified.record;
  Json attestations = Json::array();
  for (const record::ChainStep& step : record.chain)
    attestations.push_back({{"digest", {{"sha256", step.id}}}});
  const std::string name_space(provenance::name_space);
  const std::string required = verified.required ? std::string(name_of(*verified.required)) : "none";
  const Json predicate = {
      {"verifier", {{"id", name_space + "verifier/local/v1"}, {"version", {{"heirloom", HEIRLOOM_VERSION}}}}},
      {"timeVerified", time},
      {"resourceUri", name_space + "weights/" + base::to_hex(record.identity.stored_root)},
      {"policy", {{"uri", name_space + "policy/verify/v1?require=" + required}, {"digest", {{"sha256", sha256_of(policy)}}}}},
      {"inputAttestations", attestations},
      {"verificationResult", verified.is_good() ? "PASSED" : "FAILED"},
      {"verifiedLevels", Json::array({verified.is_good() ? level_name(record.level) : "FAILED"})},
      {"slsaVersion", "1.2"}};
  const Json subject = {{"name", verified.name},
                        {"digest",
                         {{provenance::stored_root_name, base::to_hex(record.identity.stored_root)},
                          {provenance::metadata_root_name, base::to_hex(record.identity.metadata_root)}}}};
  return dump({{"_type", provenance::statement_type}, {"subject", Json::array({subject})}, {"predicateType", summary_type}, {"predicate", predicate}});
}

}  // namespace heirloom::report
