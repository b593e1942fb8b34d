// OpenSSF Model Signing v1.0: a signature over all files of a directory, as a Sigstore bundle (formats/facts/provenance.md#model-signature).
// What is written is the part of the specification and of its reference implementation that both agree on; what is read
// goes back to bundles of v0.3.1. Values and pure functions; file_digests.hpp reads the directory.
#pragma once

#include "engine/provenance/file_digests.hpp"
#include "engine/provenance/trust.hpp"

#include <array>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::provenance {

inline constexpr std::string_view oms_media_type = "application/vnd.dev.sigstore.bundle.v0.3+json";
inline constexpr std::string_view oms_predicate_type = "https://model_signing/signature/v1.0";
inline constexpr std::uint64_t max_bundle_bytes = 96u << 20;
// The one resource of old bundles over a single file.
inline constexpr std::string_view oms_single_file = ".";

// Top-level names that no signature covers.
inline constexpr std::array<std::string_view, 4> oms_default_ignored = {".git", ".gitattributes", ".github", ".gitignore"};

// What is signed.
struct OmsManifest {
  std::string model;                 // base name of the directory; informational
  std::vector<NamedDigest> files;    // in the order that the root is over; written sorted by name
  std::vector<std::string> ignored;  // paths that are not covered, with all below them
};

base::Digest oms_root(const OmsManifest& manifest);
// The statement's payload, files sorted by name.
Result<std::string> encode(const OmsManifest& manifest);

// A bundle signed by the key. `chain` is empty, or the certificates of the key, leaf first, without the root.
Result<std::string> make_oms(const OmsManifest& manifest, const PrivateKey& key, const std::vector<Certificate>& chain);

// A bundle as read: well-formed, its root recomputed; whether its signature holds is verify_oms_signature's to say.
struct OmsBundle {
  Envelope envelope;
  OmsManifest manifest;
  std::string hint = {};               // of the key that it names, "" for one with certificates
  std::vector<Certificate> chain = {};
};
Result<OmsBundle> parse_oms(std::string_view text);

// Who signed a bundle.
struct OmsSigner {
  const TrustedKey* key = nullptr;              // one of the two
  const TrustedAuthority* authority = nullptr;
  ChainState state = ChainState::valid;         // of the chain that ends in the authority
  std::string subject = {};                     // of the leaf certificate
  std::time_t not_after = 0;                    // of the leaf certificate

  const std::vector<std::string>& builders() const { return key != nullptr ? key->builders : authority->builders; }
};
// Malformed when the signature or the chain is wrong; misuse when the trust has neither its key nor its authority.
Result<OmsSigner> verify_oms_signature(const OmsBundle& bundle, const Trust& trust, std::time_t at);

// A file that is not as signed.
struct OmsDifference {
  enum class Kind { changed, missing, unsigned_file, unsigned_link };
  Kind kind = Kind::changed;
  std::string name;
};

// The directory, or the single file, against the manifest. Sorted by name; empty when all is as signed.
struct OmsComparison {
  std::vector<OmsDifference> differences;
  std::vector<std::string> not_covered;  // paths that are there, but that the signer left out
};

struct VerifyOmsOptions {
  std::time_t at = 0;
  std::size_t threads = 0;  // 0: all cores
};
struct OmsVerdict {
  OmsSigner signer;
  OmsComparison files;
  std::size_t file_count = 0;

  bool is_valid() const { return signer.state == ChainState::valid && files.differences.empty(); }
};

// Reads the bundle and verifies it: the signature first, and only then the files. `path` is the model's directory, or a
// single file. `bundle` may lie in the directory, and is then no part of the model.
Result<OmsVerdict> verify_oms(const std::filesystem::path& path, const std::filesystem::path& bundle, const Trust& trust,
                              const VerifyOmsOptions& options, const base::Log& log);

}  // namespace heirloom::provenance
