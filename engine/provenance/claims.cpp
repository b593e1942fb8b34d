#include "engine/provenance/claims.hpp"

#include "engine/base/text.hpp"
#include "engine/provenance/members.hpp"

namespace heirloom::provenance {
namespace {

using model::Json;

Result<Claim> parse_claim(const Json& json) {
  HEIRLOOM_CHECK(check_members(json, {"field", "value", "status", "from"}));
  Claim claim;
  HEIRLOOM_TRY(claim.field, text_member(json, "field"));
  HEIRLOOM_TRY(claim.value, text_member(json, "value"));
  HEIRLOOM_TRY(claim.status, text_member(json, "status"));
  HEIRLOOM_TRY(claim.from, text_member(json, "from"));
  if (claim.status != status_observed && claim.status != status_declared && claim.status != status_inferred)
    return fail(Code::malformed, "status " + base::quoted(claim.status) + " is none of observed, declared and inferred");
  for (const std::string* text : {&claim.field, &claim.value, &claim.from})
    if (text->size() > max_claim_bytes)
      return fail(Code::limit, "a text is longer than " + std::to_string(max_claim_bytes) + " bytes");
  return claim;
}

}  // namespace

Json lineage_predicate(const std::vector<Claim>& claims) {
  Json::Array all;
  for (const Claim& claim : claims)
    all.emplace_back(Json::Object{{"field", Json(claim.field)},
                                  {"value", Json(claim.value)},
                                  {"status", Json(claim.status)},
                                  {"from", Json(claim.from)}});
  return Json(Json::Object{{"claims", Json(std::move(all))}});
}

Result<std::vector<Claim>> parse_lineage(const Json& predicate) {
  HEIRLOOM_CHECK(check_members(predicate, {"claims"}));
  HEIRLOOM_TRY(const Json::Array* all, array_member(predicate, "claims"));
  if (all->size() > max_claims)
    return fail(Code::limit, "has more than " + std::to_string(max_claims) + " claims");
  std::vector<Claim> claims;
  for (std::size_t i = 0; i < all->size(); ++i) {
    auto claim = parse_claim((*all)[i]);
    if (!claim)
      return fail(claim.error().code, "claim " + std::to_string(i) + ": " + claim.error().message);
    claims.push_back(std::move(*claim));
  }
  return claims;
}

}  // namespace heirloom::provenance
