#include "engine/provenance/statement.hpp"

#include "engine/base/bytes.hpp"
#include "engine/base/text.hpp"
#include "engine/provenance/canonical_json.hpp"
#include "engine/provenance/members.hpp"

namespace heirloom::provenance {
namespace {

using model::Json;

void set_text(Json::Object& object, std::string key, const std::string& value) {
  if (!value.empty())
    object.emplace_back(std::move(key), Json(value));
}

}  // namespace

const std::string* Resource::digest_of(std::string_view algorithm) const {
  for (const auto& [name_of, value] : digest)
    if (name_of == algorithm)
      return &value;
  return nullptr;
}

std::string_view Resource::annotation(std::string_view key) const {
  for (const auto& [word, value] : annotations)
    if (word == key && value.text() != nullptr)
      return *value.text();
  return "";
}

std::string_view Resource::role() const { return annotation("role"); }
std::string_view Resource::option() const { return annotation("option"); }

Json to_json(const Resource& resource) {
  Json::Object object, digest;
  set_text(object, "name", resource.name);
  set_text(object, "uri", resource.uri);
  for (const auto& [algorithm, value] : resource.digest)
    digest.emplace_back(algorithm, Json(value));
  if (!digest.empty())
    object.emplace_back("digest", Json(std::move(digest)));
  set_text(object, "mediaType", resource.media_type);
  if (!resource.annotations.empty())
    object.emplace_back("annotations", Json(resource.annotations));
  return Json(std::move(object));
}

Result<Resource> parse_resource(const Json& json) {
  HEIRLOOM_CHECK(check_members(json, {"name", "uri", "digest", "content", "downloadLocation", "mediaType", "annotations"}));
  Resource resource;
  HEIRLOOM_TRY(resource.name, optional_text(json, "name"));
  HEIRLOOM_TRY(resource.uri, optional_text(json, "uri"));
  HEIRLOOM_TRY(resource.media_type, optional_text(json, "mediaType"));
  if (const Json* digest = json.find("digest")) {
    if (digest->object() == nullptr)
      return fail(Code::malformed, "member \"digest\" is no object");
    for (const auto& [algorithm, value] : *digest->object()) {
      if (value.text() == nullptr)
        return fail(Code::malformed, "digest " + base::quoted(algorithm) + " is no text");
      resource.digest.emplace_back(algorithm, *value.text());
    }
  }
  if (const Json* annotations = json.find("annotations")) {
    if (annotations->object() == nullptr)
      return fail(Code::malformed, "member \"annotations\" is no object");
    resource.annotations = *annotations->object();
  }
  return resource;
}

Result<std::string> encode(const Statement& statement) {
  Json::Array subject;
  for (const Resource& resource : statement.subject)
    subject.push_back(to_json(resource));
  return canonical(Json(Json::Object{{"_type", Json(std::string(statement_type))},
                                     {"subject", Json(std::move(subject))},
                                     {"predicateType", Json(statement.predicate_type)},
                                     {"predicate", statement.predicate}}));
}

Result<Statement> parse_statement(std::string_view payload) {
  if (payload.size() > max_payload_bytes)
    return fail(Code::limit, "the payload is longer than " + base::human_bytes(max_payload_bytes));
  HEIRLOOM_TRY(Json json, model::parse_json(payload));
  HEIRLOOM_CHECK(check_members(json, {"_type", "subject", "predicateType", "predicate"}));
  HEIRLOOM_TRY(const std::string type, text_member(json, "_type"));
  if (type != statement_type)
    return fail(Code::unsupported, "is a statement of type " + base::quoted(type) + ", not " + base::quoted(statement_type));
  Statement statement;
  HEIRLOOM_TRY(statement.predicate_type, text_member(json, "predicateType"));
  HEIRLOOM_TRY(const Json::Array* subject, array_member(json, "subject"));
  for (const Json& resource : *subject) {
    HEIRLOOM_TRY(Resource parsed, parse_resource(resource));
    if (parsed.digest.empty())
      return fail(Code::malformed, "subject " + base::quoted(parsed.name) + " has no digest");
    statement.subject.push_back(std::move(parsed));
  }
  if (statement.subject.empty())
    return fail(Code::malformed, "has no subject");
  if (const Json* predicate = json.find("predicate")) {
    if (predicate->object() == nullptr)
      return fail(Code::malformed, "member \"predicate\" is no object");
    statement.predicate = *predicate;
  }
  return statement;
}

base::Digest Envelope::id() const {
  return base::sha256(base::bytes_of(payload));
}

Json to_json(const Envelope& envelope) {
  Json::Array signatures;
  for (const Signature& signature : envelope.signatures)
    signatures.emplace_back(Json::Object{{"keyid", Json(signature.key_id)}, {"sig", Json(to_base64(signature.bytes))}});
  return Json(Json::Object{{"payload", Json(to_base64(base::bytes_of(envelope.payload)))},
                           {"payloadType", Json(envelope.type)},
                           {"signatures", Json(std::move(signatures))}});
}

std::string encode(const Envelope& envelope) { return to_json(envelope).dump(); }

Result<Envelope> parse_envelope(std::string_view line) {
  if (line.size() / 4 * 3 > max_payload_bytes)
    return fail(Code::limit, "the envelope is longer than " + base::human_bytes(max_payload_bytes));
  HEIRLOOM_TRY(const Json json, model::parse_json(line));
  return parse_envelope(json);
}

Result<Envelope> parse_envelope(const Json& json) {
  HEIRLOOM_CHECK(check_members(json, {"payload", "payloadType", "signatures"}));
  Envelope envelope;
  HEIRLOOM_TRY(const std::string payload, text_member(json, "payload"));
  HEIRLOOM_TRY(const auto bytes, from_base64(payload));
  envelope.payload.assign(bytes.begin(), bytes.end());
  HEIRLOOM_TRY(envelope.type, text_member(json, "payloadType"));
  HEIRLOOM_TRY(const Json::Array* signatures, array_member(json, "signatures"));
  if (signatures->size() > max_signatures)
    return fail(Code::limit, "the envelope has more than " + std::to_string(max_signatures) + " signatures");
  for (const Json& json_signature : *signatures) {
    HEIRLOOM_CHECK(check_members(json_signature, {"keyid", "sig"}));
    Signature signature;
    if (const Json* key_id = json_signature.find("keyid"); key_id != nullptr && !key_id->is_null()) {
      HEIRLOOM_TRY(signature.key_id, text_member(json_signature, "keyid"));
    }
    HEIRLOOM_TRY(const std::string text, text_member(json_signature, "sig"));
    HEIRLOOM_TRY(signature.bytes, from_base64(text));
    envelope.signatures.push_back(std::move(signature));
  }
  return envelope;
}

std::string pre_authentication(const Envelope& envelope) {
  return "DSSEv1 " + std::to_string(envelope.type.size()) + " " + envelope.type + " " + std::to_string(envelope.payload.size()) +
         " " + envelope.payload;
}

}  // namespace heirloom::provenance
