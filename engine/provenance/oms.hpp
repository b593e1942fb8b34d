// OpenSSF Model Signing v1.0: a signature over all files of a directory, as a Sigstore bundle (formats/facts/provenance.md#model-signature).
// What is written is the part of the specification and of its reference implementation that both agree on; what is read
// goes back to bundles of v0.3.1.
#pragma once

#include "engine/provenance/file_digests.hpp"
#include "engine/provenance/trust.hpp"

#include <array>
#include <ctime>
#include <filesystem>
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

// The certificates of a key as a bundle holds them. `chain` is leaf first, each issued by the next; a root at its end is left
// out. Misuse when it is not in this order, not of this key, or when the leaf may not sign.
Result<std::vector<Certificate>> order_chain(const PublicKey& key, std::vector<Certificate> chain);
// A bundle signed by the key. `chain` is empty, or what order_chain() gave.
Result<std::string> make_oms(const OmsManifest& manifest, const PrivateKey& key, const std::vector<Certificate>& chain);

// A bundle as read: well-formed, with exactly one signature. Its payload is nobody's word until verify_oms_signature says so.
struct OmsBundle {
  Envelope envelope;
  std::string hint = {};               // of the key that it names, "" for one with certificates
  std::vector<Certificate> chain = {};
};
Result<OmsBundle> parse_oms(std::string_view text);
// Strict: the root is recomputed; names are relative, each there once, and none is ignored at the same time.
Result<OmsManifest> parse_oms_payload(std::string_view payload);

// What a signature is worth.
enum class OmsState {
  valid,
  expired,    // ChainState::expired
  untrusted,  // it may be right, but its key or authority is none of the user's
  broken,     // it is not the signature of the key or certificate over this payload
};
std::string_view name_of(OmsState state);

// Who signed a bundle. Pointers are into the trust that was given.
struct OmsSigner {
  OmsState state = OmsState::broken;
  std::string problem = {};                     // in words, unless valid
  const TrustedKey* key = nullptr;              // one of the two when valid or expired
  const TrustedAuthority* authority = nullptr;
  std::string hint = {};                        // of the key that signed or is named, also of a certificate's key
  std::string subject = {};                     // of the leaf certificate; hostile text
  std::time_t not_after = 0;                    // of the leaf certificate

  // The builders that the entry of the trust file may vouch for; none when the signer is nobody who is trusted.
  const std::vector<std::string>& builders() const;
};
OmsSigner verify_oms_signature(const OmsBundle& bundle, const Trust& trust, std::time_t at);

// A file that is not as signed.
struct OmsDifference {
  enum class Kind { changed, missing, unsigned_file, link };
  Kind kind = Kind::changed;
  std::string name;
};
std::string_view name_of(OmsDifference::Kind kind);

struct VerifyOmsOptions {
  std::time_t at = 0;       // for certificates; 0 is now
  std::size_t threads = 0;  // 0: all cores
};

struct OmsVerdict {
  OmsSigner signer;
  // Of the files, once the signature is valid or expired; empty otherwise.
  std::size_t file_count = 0;
  std::vector<OmsDifference> differences = {};  // sorted by name
  std::vector<std::string> not_covered = {};    // paths that are there, but that the signer left out
  std::string root = {};                        // lower-case hexadecimal

  bool is_valid() const { return signer.state == OmsState::valid && differences.empty(); }
};

// Reads the bundle and verifies it: the signature first, and only then the files. `path` is the model's directory, or a
// single file that old bundles sign. `bundle` may lie in the directory, and is then no part of the model. An error means
// that the bundle is malformed or a file cannot be read; all else is the verdict's.
Result<OmsVerdict> verify_oms(const std::filesystem::path& path, const std::filesystem::path& bundle, const Trust& trust,
                              const VerifyOmsOptions& options, const base::Log& log);

struct SignOmsOptions {
  std::vector<std::string> ignored = {};  // relative to the directory; exact, a directory with all below it
  std::size_t threads = 0;
};
// What a signature over a directory is to say. `bundle` is where it will lie: no part of the model.
Result<OmsManifest> make_oms_manifest(const std::filesystem::path& directory, const std::filesystem::path& bundle,
                                      const SignOmsOptions& options, const base::Log& log);

}  // namespace heirloom::provenance
