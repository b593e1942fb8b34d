#include "engine/provenance/trust.hpp"

#include "engine/base/text.hpp"
#include "engine/provenance/members.hpp"

#include <algorithm>
#include <set>

namespace heirloom::provenance {
namespace {

using model::Json;

Result<std::vector<std::string>> builders_of(const Json& entry) {
  HEIRLOOM_TRY(const Json::Array* list, array_member(entry, "builders"));
  std::vector<std::string> builders;
  for (const Json& builder : *list) {
    if (builder.text() == nullptr || builder.text()->empty())
      return fail(Code::malformed, "member \"builders\" holds something other than the id of a builder");
    builders.push_back(*builder.text());
  }
  return builders;
}

Result<TrustedKey> parse_key(const Json& entry) {
  HEIRLOOM_CHECK(check_members(entry, {"builders", "hint", "name", "public_key"}));
  HEIRLOOM_TRY(std::string name, text_member(entry, "name"));
  HEIRLOOM_TRY(auto builders, builders_of(entry));
  HEIRLOOM_TRY(const std::string hint, text_member(entry, "hint"));
  HEIRLOOM_TRY(const std::string pem, text_member(entry, "public_key"));
  HEIRLOOM_TRY(PublicKey key, PublicKey::from_pem(pem));
  if (key.hint() != hint)
    return fail(Code::malformed, "member \"hint\" is not the SHA-256 of the key's PEM, which is " + key.hint());
  return TrustedKey{std::move(name), std::move(builders), std::move(key)};
}

Result<TrustedAuthority> parse_authority(const Json& entry) {
  HEIRLOOM_CHECK(check_members(entry, {"builders", "certificate", "name"}));
  HEIRLOOM_TRY(std::string name, text_member(entry, "name"));
  HEIRLOOM_TRY(auto builders, builders_of(entry));
  HEIRLOOM_TRY(const std::string pem, text_member(entry, "certificate"));
  HEIRLOOM_TRY(auto certificates, read_certificates(pem));
  if (certificates.size() != 1)
    return fail(Code::malformed, "member \"certificate\" holds " + std::to_string(certificates.size()) + " certificates, not one");
  return TrustedAuthority{std::move(name), std::move(builders), std::move(certificates.front())};
}

// Each entry of a list that may be missing; `identity` is what no two entries share.
template <class Entry, class Parse, class Identity>
Result<std::vector<Entry>> parse_list(const Json& of, std::string_view member_name, Parse parse, Identity identity) {
  std::vector<Entry> entries;
  if (of.find(member_name) == nullptr)
    return entries;
  HEIRLOOM_TRY(const Json::Array* list, array_member(of, member_name));
  std::set<std::string> seen;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string place = "entry " + std::to_string(i + 1) + " of " + base::quoted(member_name) + " ";
    auto entry = parse((*list)[i]);
    if (!entry)
      return fail(entry.error().code, place + entry.error().message);
    if (!seen.insert(identity(*entry)).second)
      return fail(Code::malformed, place + "is there twice");
    entries.push_back(std::move(*entry));
  }
  return entries;
}

Json list_of(const std::vector<std::string>& texts) {
  Json::Array list;
  for (const std::string& text : texts)
    list.emplace_back(text);
  return Json(std::move(list));
}

}  // namespace

const TrustedKey* Trust::find(std::string_view hint) const {
  for (const TrustedKey& key : keys)
    if (key.key.hint() == hint)
      return &key;
  return nullptr;
}

Result<Trust> parse_trust(std::string_view text) {
  if (text.size() > max_trust_bytes)
    return fail(Code::limit, "the trust file is longer than " + base::human_bytes(max_trust_bytes));
  HEIRLOOM_TRY(const Json json, model::parse_json(text));
  HEIRLOOM_CHECK(check_members(json, {"authorities", "keys", "version"}));
  HEIRLOOM_TRY(const Json* version, member(json, "version"));
  if (version->integer() != std::int64_t{1})
    return fail(Code::unsupported, "is a trust file of another version than 1");
  Trust trust;
  HEIRLOOM_TRY(trust.keys,
               parse_list<TrustedKey>(json, "keys", parse_key, [](const TrustedKey& key) { return key.key.hint(); }));
  HEIRLOOM_TRY(trust.authorities,
               parse_list<TrustedAuthority>(json, "authorities", parse_authority,
                                            [](const TrustedAuthority& of) { return of.certificate.fingerprint(); }));
  return trust;
}

std::string encode(const Trust& trust) {
  Json::Array authorities, keys;
  for (const TrustedAuthority& authority : trust.authorities)
    authorities.emplace_back(Json::Object{{"builders", list_of(authority.builders)},
                                          {"certificate", Json(authority.certificate.pem())},
                                          {"name", Json(authority.name)}});
  for (const TrustedKey& key : trust.keys)
    keys.emplace_back(Json::Object{{"builders", list_of(key.builders)},
                                   {"hint", Json(key.key.hint())},
                                   {"name", Json(key.name)},
                                   {"public_key", Json(key.key.pem())}});
  Json::Object file;
  if (!authorities.empty())
    file.emplace_back("authorities", Json(std::move(authorities)));
  file.emplace_back("keys", Json(std::move(keys)));
  file.emplace_back("version", Json(std::int64_t{1}));
  return Json(std::move(file)).dump(2) + "\n";
}

SignatureCheck verify_signatures(const Envelope& envelope, const Trust& trust) {
  SignatureCheck check;
  const std::string message = pre_authentication(envelope);
  for (const Signature& signature : envelope.signatures) {
    const TrustedKey* signer = trust.find(signature.key_id);
    if (signer != nullptr && !signer->key.verifies(message, signature.bytes)) {
      check.broken.push_back(signature.key_id);
      continue;
    }
    for (std::size_t i = 0; signer == nullptr && i < trust.keys.size(); ++i)
      if (trust.keys[i].key.verifies(message, signature.bytes))
        signer = &trust.keys[i];
    if (signer == nullptr)
      check.unknown.push_back(signature.key_id);
    else if (std::find(check.signers.begin(), check.signers.end(), signer) == check.signers.end())
      check.signers.push_back(signer);
  }
  return check;
}

std::string builder_of(const Statement& statement) {
  if (statement.predicate_type != slsa_provenance)
    return "";
  const Json* id = statement.predicate.at("runDetails.builder.id");
  return id != nullptr && id->text() != nullptr ? *id->text() : "";
}

bool may_vouch(const std::vector<std::string>& builders, const Statement& statement) {
  if (statement.predicate_type != slsa_provenance)
    return true;
  const std::string builder = builder_of(statement);
  return !builder.empty() && std::find(builders.begin(), builders.end(), builder) != builders.end();
}

const TrustedKey* voucher(const SignatureCheck& check, const Statement& statement) {
  if (!check.is_signed())
    return nullptr;
  for (const TrustedKey* signer : check.signers)
    if (may_vouch(signer->builders, statement))
      return signer;
  return nullptr;
}

std::string why_no_voucher(const SignatureCheck& check, const Statement& statement) {
  if (!check.broken.empty())
    return "has a signature that is not of the key that it names";
  if (!check.signers.empty())
    return "is signed by a key that may not vouch for " + base::quoted(builder_of(statement));
  return check.unknown.empty() ? "is not signed" : "is signed by a key that the trust file does not have";
}

}  // namespace heirloom::provenance
