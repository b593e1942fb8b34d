// The commands about keys and signatures: keygen, sign, verify-signature, trust.
#pragma once

#include "engine/api/sign.hpp"
#include "engine/cli/commands.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace heirloom::cli {

// Passwords come from a file or from this variable of the environment, never from the command line.
inline constexpr const char* password_variable = "HEIRLOOM_KEY_PASSWORD";

struct KeygenArguments {
  std::filesystem::path key;
  std::filesystem::path password_file;
  provenance::Curve curve = provenance::Curve::p256;
};

struct SignArguments {
  std::filesystem::path path;
  SignModelOptions options;
  std::filesystem::path password_file;
  std::vector<std::filesystem::path> certificate, chain;
  bool is_events = false;
  bool countersigns = false;
};

struct VerifySignatureArguments {
  VerifyModelOptions options;
  TrustOptions trust;
  std::string at;
  bool is_events = false;
};

struct TrustArguments {
  std::filesystem::path file;
  TrustEntry entry;
};

int run_keygen(const CommonArguments& common, const KeygenArguments& arguments);
int run_sign(const CommonArguments& common, const SignArguments& arguments);
int run_verify_signature(const CommonArguments& common, const VerifySignatureArguments& arguments);
int run_trust(const CommonArguments& common, const TrustArguments& arguments);

}  // namespace heirloom::cli
