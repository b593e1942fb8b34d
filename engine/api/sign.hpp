// Keys, signatures and trust: what the commands keygen, sign, verify-signature and trust do. Nothing here prints, asks for a
// password or uses a network; plugins are needed only to find an event log.
#pragma once

#include "engine/api.hpp"
#include "engine/provenance/dsse.hpp"
#include "engine/provenance/oms.hpp"
#include "engine/provenance/trust.hpp"
#include "engine/report/sign.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace heirloom {

struct KeyAndPassword {
  std::filesystem::path key;
  std::string password;  // "" for none
};

// A new key pair, KEY and KEY.pub; neither may exist. Returns the public key.
Result<provenance::PublicKey> make_key(const KeyAndPassword& target, provenance::Curve curve);

struct SignModelOptions {
  std::filesystem::path directory;
  KeyAndPassword key;
  std::filesystem::path signature;                  // "" for DIR/model.sig
  std::vector<std::filesystem::path> certificates;  // files, leaf first; none to sign with the key alone
  std::vector<std::string> ignored;                 // paths that stay out
  std::size_t threads = 0;
  bool force = false;                               // replaces a signature
};
struct SignedModel {
  std::filesystem::path signature;
  provenance::OmsManifest manifest;
  std::string hint;     // of the key
  std::string subject;  // of the certificate, "" without
};
// Hashes every file of the directory and writes the signature when all is done.
Result<SignedModel> sign_model(const SignModelOptions& options, const base::Log& log);

struct SignedEvents {
  std::filesystem::path log;
  provenance::SignedLines lines;
  std::string hint;
};
// Signs the events of the log beside a checkpoint; the log is replaced as a whole, or stays.
Result<SignedEvents> sign_events(const Session& session, const std::filesystem::path& path, const KeyAndPassword& key,
                                 bool countersigns, const base::Log& log);

// Whom to trust, from any of three places together. Keys and authorities given by themselves may vouch for the local builder.
struct TrustOptions {
  std::vector<std::filesystem::path> keys;         // public keys
  std::vector<std::filesystem::path> authorities;  // files of certificates
  std::filesystem::path file;                      // a trust file; "" for none
};
// Misuse when all are empty. On the heap: verdicts point into it.
Result<std::unique_ptr<provenance::Trust>> gather_trust(const TrustOptions& options);

struct VerifyModelOptions {
  std::filesystem::path path;       // the directory, or the one file that an old bundle signs
  std::filesystem::path signature;  // "" for model.sig in the directory, or beside the file
  std::time_t at = 0;               // for certificates; 0 is now
  std::size_t threads = 0;
};
Result<provenance::OmsVerdict> verify_model(const VerifyModelOptions& options, const provenance::Trust& trust, const base::Log& log);

// Of the log beside a checkpoint.
Result<std::vector<provenance::LineCheck>> verify_events(const Session& session, const std::filesystem::path& path,
                                                         const provenance::Trust& trust);

struct TrustEntry {
  std::filesystem::path key;            // a public key, or
  std::filesystem::path authority;      // a certificate
  std::string name;                     // "" for the file's name
  std::vector<std::string> builders;    // none for the local builder
};
// The trust file as it is; a missing one is empty where `may_be_missing`.
Result<provenance::Trust> read_trust(const std::filesystem::path& file, bool may_be_missing);
// Adds an entry and writes the file.
Result<provenance::Trust> add_trust(const std::filesystem::path& file, const TrustEntry& entry);

}  // namespace heirloom
