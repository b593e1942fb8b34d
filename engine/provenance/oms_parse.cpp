// Reading bundles: hostile bytes.
#include "engine/base/file_set.hpp"
#include "engine/base/text.hpp"
#include "engine/provenance/members.hpp"
#include "engine/provenance/oms.hpp"

#include <algorithm>
#include <set>

namespace heirloom::provenance {
namespace {

using model::Json;

tl::unexpected<Error> unsupported(std::string message) { return fail(Code::unsupported, std::move(message)); }

// A list that may be missing and has nothing in it: what would stand there needs a network to check.
Result<void> check_empty(const Json& of, std::string_view key) {
  const Json* list = of.find(key);
  if (list == nullptr)
    return {};
  if (list->array() == nullptr)
    return fail(Code::malformed, "member " + base::quoted(key) + " is no list");
  if (!list->array()->empty())
    return unsupported("member " + base::quoted(key) + " is not empty: keyless Sigstore signatures and time stamps cannot be checked offline");
  return {};
}

// What older bundles call the algorithms of our curves.
constexpr std::array<std::string_view, 3> key_details = {"PKIX_ECDSA_P256_SHA_256", "PKIX_ECDSA_P384_SHA_384", "PKIX_ECDSA_P521_SHA_512"};

// The key itself, of bundles before v1.1: PEM or DER in base64.
Result<PublicKey> parse_raw_key(const Json& material) {
  HEIRLOOM_TRY(const std::string text, text_member(material, "rawBytes"));
  HEIRLOOM_TRY(const auto bytes, from_base64(text));
  const std::string_view raw(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!raw.starts_with("-----BEGIN"))
    return PublicKey::from_der(bytes);
  HEIRLOOM_TRY(PublicKey key, PublicKey::from_pem(raw));
  if (raw != key.pem())
    return fail(Code::malformed, "member \"rawBytes\" holds more than a public key in PEM");
  return key;
}

Result<std::string> parse_hint(const Json& material) {
  HEIRLOOM_CHECK(check_members(material, {"hint", "keyDetails", "rawBytes"}));
  const bool has_hint = material.find("hint") != nullptr;
  if (has_hint == (material.find("rawBytes") != nullptr) || (has_hint && material.find("keyDetails") != nullptr))
    return fail(Code::malformed, "member \"publicKey\" has not exactly one of \"hint\" and \"rawBytes\"");
  if (has_hint) {
    HEIRLOOM_CHECK(digest_member(material, "hint"));
    return text_member(material, "hint");
  }
  HEIRLOOM_TRY(const PublicKey key, parse_raw_key(material));
  HEIRLOOM_TRY(const std::string details, optional_text(material, "keyDetails"));
  if (!details.empty() && details != key_details[static_cast<std::size_t>(key.curve())])
    return fail(Code::malformed, "member \"keyDetails\" is " + base::quoted(details) + ", which its key is not");
  return key.hint();
}

Result<std::vector<Certificate>> parse_chain(const Json& material) {
  HEIRLOOM_CHECK(check_members(material, {"certificates"}));
  HEIRLOOM_TRY(const Json::Array* list, array_member(material, "certificates"));
  if (list->empty() || list->size() > max_certificates)
    return fail(Code::malformed, "has " + std::to_string(list->size()) + " certificates, not 1 to " + std::to_string(max_certificates));
  std::vector<Certificate> chain;
  for (const Json& entry : *list) {
    HEIRLOOM_CHECK(check_members(entry, {"rawBytes"}));
    HEIRLOOM_TRY(const std::string text, text_member(entry, "rawBytes"));
    HEIRLOOM_TRY(const auto der, from_base64(text));
    HEIRLOOM_TRY(Certificate certificate, Certificate::from_der(der));
    chain.push_back(std::move(certificate));
  }
  return chain;
}

Result<void> parse_material(const Json& material, OmsBundle& bundle) {
  HEIRLOOM_CHECK(check_members(material, {"certificate", "publicKey", "timestampVerificationData", "tlogEntries", "x509CertificateChain"}));
  if (material.find("certificate") != nullptr)
    return unsupported("is a keyless Sigstore signature (member \"certificate\"): checking it needs a network");
  HEIRLOOM_CHECK(check_empty(material, "tlogEntries"));
  if (const Json* stamps = material.find("timestampVerificationData")) {
    HEIRLOOM_CHECK(check_members(*stamps, {"rfc3161Timestamps"}));
    HEIRLOOM_CHECK(check_empty(*stamps, "rfc3161Timestamps"));
  }
  const Json* key = material.find("publicKey");
  const Json* chain = material.find("x509CertificateChain");
  if ((key == nullptr) == (chain == nullptr))
    return fail(Code::malformed, "has not exactly one of \"publicKey\" and \"x509CertificateChain\"");
  if (key != nullptr) {
    HEIRLOOM_TRY(bundle.hint, parse_hint(*key));
  } else {
    HEIRLOOM_TRY(bundle.chain, parse_chain(*chain));
  }
  return {};
}

Result<void> check_name(const std::string& name, std::size_t count) {
  if (name == oms_single_file && count == 1)
    return {};
  if (auto checked = base::check_relative_name(name); !checked)
    return fail(Code::malformed, "resource: " + checked.error().message);
  return {};
}

Result<void> parse_resources(const Json::Array& resources, OmsManifest& manifest) {
  if (resources.empty())
    return fail(Code::malformed, "signs no file: \"resources\" is empty");
  std::set<std::string_view> seen;
  manifest.files.reserve(resources.size());
  for (const Json& resource : resources) {
    // Further members are allowed here by the specification.
    HEIRLOOM_TRY(std::string name, text_member(resource, "name"));
    HEIRLOOM_CHECK(check_name(name, resources.size()));
    HEIRLOOM_TRY(const std::string algorithm, text_member(resource, "algorithm"));
    if (algorithm != "sha256")
      return unsupported("resource " + base::quoted(name) + " has a digest by " + base::quoted(algorithm) + "; only sha256 is read");
    auto digest = digest_member(resource, "digest");
    if (!digest)
      return fail(Code::malformed, "resource " + base::quoted(name) + ": " + digest.error().message);
    manifest.files.push_back({std::move(name), *digest});
    if (!seen.insert(manifest.files.back().name).second)
      return fail(Code::malformed, "resource " + base::quoted(manifest.files.back().name) + " is there twice");
  }
  return {};
}

Result<void> parse_serialization(const Json& serialization, OmsManifest& manifest) {
  HEIRLOOM_CHECK(check_members(serialization, {"allow_symlinks", "hash_type", "ignore_paths", "method", "shard_size"}));
  HEIRLOOM_TRY(const std::string method, text_member(serialization, "method"));
  HEIRLOOM_TRY(const std::string hash_type, text_member(serialization, "hash_type"));
  if (method != "files")
    return unsupported("has the serialization method " + base::quoted(method) + "; only \"files\" is read");
  if (hash_type != "sha256")
    return unsupported("has digests by " + base::quoted(hash_type) + "; only sha256 is read");
  if (serialization.find("shard_size") != nullptr)
    return fail(Code::malformed, "has a \"shard_size\" although its method is \"files\"");
  HEIRLOOM_TRY(const Json* links, member(serialization, "allow_symlinks"));
  if (links->boolean() == nullptr)
    return fail(Code::malformed, "member \"allow_symlinks\" is neither true nor false");
  if (serialization.find("ignore_paths") == nullptr)
    return {};
  HEIRLOOM_TRY(const Json::Array* ignored, array_member(serialization, "ignore_paths"));
  for (const Json& path : *ignored) {
    if (path.text() == nullptr)
      return fail(Code::malformed, "member \"ignore_paths\" holds something other than text");
    if (auto checked = base::check_relative_name(*path.text()); !checked)
      return fail(Code::malformed, "ignored path: " + checked.error().message);
    manifest.ignored.push_back(*path.text());
  }
  return {};
}

// Whether the path or a directory that it lies in is among the sorted `ignored`.
const std::string* ignored_by(const std::vector<std::string>& ignored, std::string_view path) {
  for (std::size_t end = path.find('/');; end = path.find('/', end + 1)) {
    const std::string_view top = path.substr(0, end);
    const auto found = std::lower_bound(ignored.begin(), ignored.end(), top);
    if (found != ignored.end() && *found == top)
      return &*found;
    if (end == path.npos)
      return nullptr;
  }
}

Result<void> check_subject(const Statement& statement, OmsManifest& manifest) {
  if (statement.subject.size() != 1)
    return fail(Code::malformed, "has " + std::to_string(statement.subject.size()) + " subjects, not one");
  const Resource& subject = statement.subject.front();
  if (subject.name.empty())
    return fail(Code::malformed, "its subject has no name");
  manifest.model = subject.name;
  const std::string* root = subject.digest_of("sha256");
  if (root == nullptr || *root != base::to_hex(oms_root(manifest)))
    return fail(Code::malformed, "the root digest of its subject is not that of its resources");
  return {};
}

}  // namespace

Result<OmsBundle> parse_oms(std::string_view text) {
  if (text.size() > max_bundle_bytes)
    return fail(Code::limit, "the bundle is longer than " + base::human_bytes(max_bundle_bytes));
  HEIRLOOM_TRY(const Json json, model::parse_json(text));
  HEIRLOOM_CHECK(check_members(json, {"dsseEnvelope", "mediaType", "verificationMaterial"}));
  HEIRLOOM_TRY(const std::string media_type, text_member(json, "mediaType"));
  if (media_type != oms_media_type)
    return unsupported("has the media type " + base::quoted(media_type) + ", not " + base::quoted(oms_media_type));
  OmsBundle bundle;
  HEIRLOOM_TRY(const Json* material, member(json, "verificationMaterial"));
  HEIRLOOM_CHECK(parse_material(*material, bundle));
  HEIRLOOM_TRY(const Json* envelope, member(json, "dsseEnvelope"));
  HEIRLOOM_TRY(bundle.envelope, parse_envelope(*envelope));
  if (bundle.envelope.type != payload_type)
    return unsupported("has a payload of type " + base::quoted(bundle.envelope.type) + ", not " + base::quoted(payload_type));
  if (bundle.envelope.signatures.size() != 1)
    return fail(Code::malformed, "has " + std::to_string(bundle.envelope.signatures.size()) + " signatures, not one");
  const std::string& key_id = bundle.envelope.signatures.front().key_id;
  if (!key_id.empty() && !bundle.hint.empty() && key_id != bundle.hint)
    return fail(Code::malformed, "its signature names another key than \"publicKey\"");
  return bundle;
}

Result<OmsManifest> parse_oms_payload(std::string_view payload) {
  HEIRLOOM_TRY(const Statement statement, parse_statement(payload));
  if (statement.predicate_type != oms_predicate_type)
    return unsupported("has a predicate of type " + base::quoted(statement.predicate_type) + ", not " + base::quoted(oms_predicate_type));
  HEIRLOOM_CHECK(check_members(statement.predicate, {"resources", "serialization"}));
  OmsManifest manifest;
  HEIRLOOM_TRY(const Json* serialization, member(statement.predicate, "serialization"));
  HEIRLOOM_CHECK(parse_serialization(*serialization, manifest));
  HEIRLOOM_TRY(const Json::Array* resources, array_member(statement.predicate, "resources"));
  HEIRLOOM_CHECK(parse_resources(*resources, manifest));
  HEIRLOOM_CHECK(check_subject(statement, manifest));
  std::vector<std::string> ignored = manifest.ignored;
  ignored.insert(ignored.end(), oms_default_ignored.begin(), oms_default_ignored.end());
  std::sort(ignored.begin(), ignored.end());
  for (const NamedDigest& file : manifest.files)
    if (const std::string* by = ignored_by(ignored, file.name))
      return fail(Code::malformed, "resource " + base::quoted(file.name) + " lies in " + base::quoted(*by) + ", which is ignored");
  return manifest;
}

}  // namespace heirloom::provenance
