// Making bundles.
#include "engine/provenance/oms.hpp"

#include "engine/base/file_set.hpp"
#include "engine/base/text.hpp"
#include "engine/provenance/oms_paths.hpp"

#include <algorithm>

namespace heirloom::provenance {
namespace {

using model::Json;

Result<void> check_ignored(const std::string& path) {
  HEIRLOOM_CHECK(base::check_relative_name(path));
  if (path.find_first_of("*?[") != path.npos)
    return fail(Code::misuse, "path " + base::quoted(path) + " to leave out has a \"*\", \"?\" or \"[\": paths are exact");
  return {};
}

Json material_of(const PrivateKey& key, const std::vector<Certificate>& chain) {
  Json::Object material;
  if (chain.empty()) {
    material.emplace_back("publicKey", Json(Json::Object{{"hint", Json(key.public_key().hint())}}));
  } else {
    Json::Array certificates;
    for (const Certificate& certificate : chain)
      certificates.emplace_back(Json::Object{{"rawBytes", Json(to_base64(certificate.der()))}});
    material.emplace_back("x509CertificateChain", Json(Json::Object{{"certificates", Json(std::move(certificates))}}));
  }
  material.emplace_back("tlogEntries", Json(Json::Array{}));
  return Json(std::move(material));
}

}  // namespace

Result<std::vector<Certificate>> order_chain(const PublicKey& key, std::vector<Certificate> chain) {
  HEIRLOOM_TRY(const PublicKey leaf, chain.front().public_key());
  if (leaf.hint() != key.hint())
    return fail(Code::misuse, "the certificate " + base::quoted(chain.front().subject()) + " is not of the private key");
  HEIRLOOM_CHECK(chain.front().check_may_sign());
  if (chain.size() > 1 && chain.back().is_self_issued())
    chain.pop_back();
  for (std::size_t i = 1; i < chain.size(); ++i)
    if (!chain[i - 1].is_issued_by(chain[i]))
      return fail(Code::misuse, "the certificate " + base::quoted(chain[i - 1].subject()) + " is not issued by the next of the chain, " +
                                    base::quoted(chain[i].subject()));
  return chain;
}

base::Digest oms_root(const OmsManifest& manifest) {
  base::Sha256 root;
  for (const NamedDigest& file : manifest.files)
    root.update(file.digest);
  return root.finish();
}

Result<std::string> encode(const OmsManifest& manifest) {
  OmsManifest sorted = manifest;
  std::sort(sorted.files.begin(), sorted.files.end(), [](const NamedDigest& a, const NamedDigest& b) { return a.name < b.name; });
  Json::Array resources, ignored;
  for (const NamedDigest& file : sorted.files)
    resources.emplace_back(Json::Object{{"algorithm", Json(std::string("sha256"))},
                                        {"digest", Json(base::to_hex(file.digest))},
                                        {"name", Json(file.name)}});
  for (const std::string& path : sorted.ignored)
    ignored.emplace_back(path);
  Json serialization(Json::Object{{"allow_symlinks", Json(false)},
                                  {"hash_type", Json(std::string("sha256"))},
                                  {"ignore_paths", Json(std::move(ignored))},
                                  {"method", Json(std::string("files"))}});
  Statement statement;
  statement.subject.push_back({.name = sorted.model, .digest = {{"sha256", base::to_hex(oms_root(sorted))}}});
  statement.predicate_type = oms_predicate_type;
  statement.predicate = Json(Json::Object{{"resources", Json(std::move(resources))}, {"serialization", std::move(serialization)}});
  return encode(statement);
}

Result<std::string> make_oms(const OmsManifest& manifest, const PrivateKey& key, const std::vector<Certificate>& chain) {
  if (manifest.files.empty())
    return fail(Code::misuse, "there is no file to sign");
  Envelope envelope;
  HEIRLOOM_TRY(envelope.payload, encode(manifest));
  if (envelope.payload.size() > max_payload_bytes)
    return fail(Code::limit, "the names of the files are longer than " + base::human_bytes(max_payload_bytes));
  HEIRLOOM_TRY(auto signature, key.sign(pre_authentication(envelope)));
  envelope.signatures.push_back({key.public_key().hint(), std::move(signature)});
  const Json bundle(Json::Object{{"mediaType", Json(std::string(oms_media_type))},
                                 {"verificationMaterial", material_of(key, chain)},
                                 {"dsseEnvelope", to_json(envelope)}});
  return bundle.dump() + "\n";
}

Result<OmsManifest> make_oms_manifest(const std::filesystem::path& directory, const std::filesystem::path& bundle,
                                      const SignOmsOptions& options, const base::Log& log) {
  OmsManifest manifest;
  HEIRLOOM_TRY(manifest.model, base_name(directory));
  manifest.ignored.assign(oms_default_ignored.begin(), oms_default_ignored.end());
  for (const std::string& path : options.ignored) {
    HEIRLOOM_CHECK(check_ignored(path));
    std::error_code unknown;
    if (!std::filesystem::exists(std::filesystem::symlink_status(directory / path, unknown)))
      return fail(Error{Code::misuse, "is to stay out of the signature, and is not there", no_position, (directory / path).string()});
    manifest.ignored.push_back(path);
  }
  const std::string own = name_below(directory, bundle);
  if (!own.empty())
    manifest.ignored.push_back(own);
  std::sort(manifest.ignored.begin(), manifest.ignored.end());
  manifest.ignored.erase(std::unique(manifest.ignored.begin(), manifest.ignored.end()), manifest.ignored.end());
  HEIRLOOM_TRY(const FileTree tree, list_tree(directory, manifest.ignored));
  if (!tree.links.empty())
    return fail(Error{Code::misuse, "is a symbolic link, which is not signed: copy the files to a directory of their own",
                      no_position, (directory / tree.links.front()).string()});
  if (!own.empty() && std::binary_search(tree.files.begin(), tree.files.end(), own + ".partial"))
    return fail(Error{Code::misuse, "is left from a run that was stopped; delete it first", no_position,
                      (directory / (own + ".partial")).string()});
  if (tree.files.empty())
    return fail(Error{Code::misuse, "holds no file to sign", no_position, directory.string()});
  HEIRLOOM_TRY(manifest.files, hash_files(directory, tree.files, options.threads, log));
  return manifest;
}

}  // namespace heirloom::provenance
