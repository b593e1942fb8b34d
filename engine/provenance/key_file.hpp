// Keys, certificates and small texts as files. A private key is written once, for its owner alone.
#pragma once

#include "engine/base/log.hpp"
#include "engine/provenance/keys.hpp"
#include "engine/provenance/x509.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace heirloom::provenance {

// A regular file's text. Errors name it.
Result<std::string> read_text_file(const std::filesystem::path& path, std::uint64_t limit);

// Warns when others than the owner may read the file.
Result<PrivateKey> read_private_key(const std::filesystem::path& path, const std::string& password, const base::Log& log);
Result<PublicKey> read_public_key(const std::filesystem::path& path);
Result<std::vector<Certificate>> read_certificate_file(const std::filesystem::path& path);

// The private key to `path` (mode 0600) and the public key to PATH.pub. Neither may exist; misuse otherwise. Both are there
// in full afterwards, or neither.
Result<void> write_key_pair(const PrivateKey& key, const std::string& password, const std::filesystem::path& path);

}  // namespace heirloom::provenance
