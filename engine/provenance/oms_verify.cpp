// Verifying bundles: who signed, and whether the files are as signed.
#include "engine/base/file_set.hpp"
#include "engine/base/system_error.hpp"
#include "engine/base/text.hpp"
#include "engine/provenance/key_file.hpp"
#include "engine/provenance/oms.hpp"
#include "engine/provenance/oms_paths.hpp"

#include <algorithm>
#include <map>

namespace heirloom::provenance {
namespace {

namespace fs = std::filesystem;
using Kind = OmsDifference::Kind;

fs::path canonical_path(const fs::path& path) {
  std::error_code ignored;
  fs::path absolute = fs::absolute(path, ignored);
  fs::path canonical = fs::weakly_canonical(absolute, ignored);
  canonical = (ignored ? absolute.lexically_normal() : canonical);
  return canonical.has_filename() ? canonical : canonical.parent_path();
}

OmsSigner signer_by_key(const OmsBundle& bundle, const Trust& trust, std::string_view message) {
  OmsSigner signer;
  signer.hint = bundle.hint;
  const TrustedKey* key = trust.find(bundle.hint);
  if (key == nullptr) {
    signer.state = OmsState::untrusted;
    signer.problem = "it names the key " + bundle.hint + ", which is not trusted";
  } else if (!key->key.verifies(message, bundle.envelope.signatures.front().bytes)) {
    signer.problem = "it is not the signature of the key " + bundle.hint + " over its payload";
  } else {
    signer.state = OmsState::valid;
    signer.key = key;
  }
  return signer;
}

OmsSigner signer_by_chain(const OmsBundle& bundle, const Trust& trust, std::string_view message, std::time_t at) {
  OmsSigner signer;
  const Certificate& leaf = bundle.chain.front();
  signer.subject = leaf.subject();
  signer.not_after = leaf.not_after();
  const auto key = leaf.public_key();
  if (!key) {
    signer.problem = "the key of its certificate " + key.error().message;
    return signer;
  }
  signer.hint = key->hint();
  if (!key->verifies(message, bundle.envelope.signatures.front().bytes)) {
    signer.problem = "it is not the signature of its certificate's key over its payload";
    return signer;
  }
  std::vector<Certificate> anchors;
  for (const TrustedAuthority& authority : trust.authorities)
    anchors.push_back(authority.certificate);
  const auto verdict = check_chain(bundle.chain, anchors, at);
  if (!verdict) {
    signer.state = OmsState::untrusted;
    signer.problem = anchors.empty() ? "it is signed with a certificate, and no authority is trusted" : verdict.error().message;
    return signer;
  }
  signer.authority = &trust.authorities[verdict->anchor];
  signer.state = verdict->state == ChainState::valid ? OmsState::valid : OmsState::expired;
  if (signer.state == OmsState::expired)
    signer.problem = "its certificates have expired (" + time_text(signer.not_after) +
                     " for the signer's), and nothing proves that it was made before; --at TIME asks about another time";
  return signer;
}

// What lies in the directory against what was signed; both sorted by name.
void compare(const std::vector<NamedDigest>& signed_files, const std::vector<NamedDigest>& found,
             const std::vector<std::string>& links, OmsVerdict& verdict) {
  std::map<std::string_view, const base::Digest*> there;
  for (const NamedDigest& file : found)
    there.emplace(file.name, &file.digest);
  for (const std::string& link : links)
    verdict.differences.push_back({Kind::link, link});
  for (const NamedDigest& file : signed_files) {
    const auto same = there.find(file.name);
    if (same != there.end() && *same->second != file.digest)
      verdict.differences.push_back({Kind::changed, file.name});
    else if (same == there.end() && !std::binary_search(links.begin(), links.end(), file.name))
      verdict.differences.push_back({Kind::missing, file.name});
    if (same != there.end())
      there.erase(same);
  }
  for (const auto& [name, digest] : there)
    verdict.differences.push_back({Kind::unsigned_file, std::string(name)});
  std::sort(verdict.differences.begin(), verdict.differences.end(),
            [](const OmsDifference& a, const OmsDifference& b) { return a.name < b.name; });
}

Result<void> compare_directory(const fs::path& directory, const fs::path& bundle, const OmsManifest& manifest,
                               const VerifyOmsOptions& options, const base::Log& log, OmsVerdict& verdict) {
  if (manifest.files.front().name == oms_single_file)
    return fail(Error{Code::misuse, "the signature is of a single file, not of a directory: give the file " + base::quoted(manifest.model),
                      no_position, directory.string()});
  std::vector<std::string> ignored = manifest.ignored;
  ignored.insert(ignored.end(), oms_default_ignored.begin(), oms_default_ignored.end());
  const std::string own = name_below(directory, bundle);
  ignored.push_back(own);
  HEIRLOOM_TRY(FileTree tree, list_tree(directory, ignored));
  // Files that nobody signed are named without being read.
  std::vector<std::string> wanted;
  for (const NamedDigest& file : manifest.files)
    if (std::binary_search(tree.files.begin(), tree.files.end(), file.name))
      wanted.push_back(file.name);
  HEIRLOOM_TRY(auto found, hash_files(directory, wanted, options.threads, log));
  std::sort(wanted.begin(), wanted.end());
  for (const std::string& name : tree.files)
    if (!std::binary_search(wanted.begin(), wanted.end(), name))
      found.push_back({name, {}});
  compare(manifest.files, found, tree.links, verdict);
  std::erase(tree.ignored, own);
  verdict.not_covered = std::move(tree.ignored);
  return {};
}

Result<void> compare_file(const fs::path& file, const OmsManifest& manifest, const VerifyOmsOptions& options, const base::Log& log,
                          OmsVerdict& verdict) {
  HEIRLOOM_TRY(const std::string name, base_name(file));
  const std::string& signed_name = manifest.files.front().name;
  if (manifest.files.size() != 1 || (signed_name != oms_single_file && signed_name != name))
    return fail(Error{Code::misuse, "the signature is of other files: give the directory that was signed", no_position, file.string()});
  HEIRLOOM_TRY(const auto found, hash_files(file.parent_path(), {name}, options.threads, log));
  compare({{name, manifest.files.front().digest}}, found, {}, verdict);
  return {};
}

}  // namespace

std::string name_below(const fs::path& directory, const fs::path& file) {
  // The file's own last part stays, link or not: it is what lies in the directory.
  const fs::path whole = file.has_filename() ? file : file.parent_path();
  const fs::path below = (canonical_path(whole.parent_path()) / whole.filename()).lexically_relative(canonical_path(directory));
  const std::string name = below.generic_string();
  return base::check_relative_name(name) ? name : "";
}

Result<std::string> base_name(const fs::path& path) {
  std::string name = canonical_path(path).filename().string();
  if (name.empty())
    name = "model";  // the root of the file system has no name
  if (!base::is_utf8(name))
    return fail(Error{Code::misuse, "its name is no UTF-8, which no signature can say", no_position, path.string()});
  return name;
}

std::string_view name_of(OmsState state) {
  constexpr std::array<std::string_view, 4> names = {"valid", "expired", "untrusted", "broken"};
  return names[static_cast<std::size_t>(state)];
}

std::string_view name_of(Kind kind) {
  constexpr std::array<std::string_view, 4> names = {"changed", "missing", "not signed", "symbolic link"};
  return names[static_cast<std::size_t>(kind)];
}

const std::vector<std::string>& OmsSigner::builders() const {
  static const std::vector<std::string> none;
  return key != nullptr ? key->builders : authority != nullptr ? authority->builders : none;
}

OmsSigner verify_oms_signature(const OmsBundle& bundle, const Trust& trust, std::time_t at) {
  const std::string message = pre_authentication(bundle.envelope);
  return bundle.chain.empty() ? signer_by_key(bundle, trust, message) : signer_by_chain(bundle, trust, message, at);
}

Result<OmsVerdict> verify_oms(const fs::path& path, const fs::path& bundle, const Trust& trust, const VerifyOmsOptions& options,
                              const base::Log& log) {
  const auto in_bundle = [&](Error error) { return fail(std::move(error).in_file(bundle.string())); };
  HEIRLOOM_TRY(const std::string text, read_text_file(bundle, max_bundle_bytes));
  auto parsed = parse_oms(text);
  if (!parsed)
    return in_bundle(std::move(parsed.error()));
  OmsVerdict verdict{verify_oms_signature(*parsed, trust, options.at == 0 ? std::time(nullptr) : options.at)};
  if (verdict.signer.state != OmsState::valid && verdict.signer.state != OmsState::expired)
    return verdict;
  auto manifest = parse_oms_payload(parsed->envelope.payload);
  if (!manifest)
    return in_bundle(std::move(manifest.error()));
  verdict.root = base::to_hex(oms_root(*manifest));
  verdict.file_count = manifest->files.size();
  std::error_code cause;
  const fs::file_status status = fs::status(path, cause);
  if (fs::is_directory(status)) {
    HEIRLOOM_CHECK(compare_directory(path, bundle, *manifest, options, log, verdict));
  } else if (fs::is_regular_file(status)) {
    HEIRLOOM_CHECK(compare_file(path, *manifest, options, log, verdict));
  } else {
    return fail(cause ? base::system_error(cause.value(), "cannot open", path)
                      : Error{Code::misuse, "is neither a file nor a directory", no_position, path.string()});
  }
  return verdict;
}

}  // namespace heirloom::provenance
