// Identity of a checkpoint: `heirloom id`. Errors are values; nothing here prints.
#pragma once

#include "engine/api.hpp"
#include "engine/record/artefacts.hpp"
#include "engine/record/gguf_hash.hpp"
#include "engine/record/identify.hpp"
#include "engine/report/identity.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace heirloom {

struct IdentityOptions {
  std::string from;                          // format; "" to find out
  std::vector<std::string> source_options;   // NAME=VALUE, for the reader
  record::IdentifyOptions work;
  bool with_gguf_hash = false;
};

struct IdentityAnswer {
  std::unique_ptr<model::Source> source;
  record::Identity identity;
  std::vector<record::Artefact> artefacts;
  std::optional<record::GgufHash> gguf_hash;
};

// Findings are warned about. The checkpoint is taken as it is stored.
Result<IdentityAnswer> identify(const Session& session, const std::filesystem::path& path, const IdentityOptions& options);

}  // namespace heirloom
