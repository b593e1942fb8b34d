// Checking a checkpoint: against the record that it carries, and against the source that it was made from.
#pragma once

#include "engine/api.hpp"
#include "engine/record/foreign.hpp"
#include "engine/report/verify.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace heirloom {

struct VerifyOptions {
  std::filesystem::path path;
  std::filesystem::path source;              // --source; "" for none
  std::filesystem::path importance;          // --imatrix; "" for none
  std::vector<std::string> source_options;   // NAME=VALUE, for the readers of both
  std::size_t threads = 0;
  std::uint64_t memory_bytes = run::default_memory_bytes;
};

Result<report::Verified> verify(const Session& session, const VerifyOptions& options, const base::Log& log);

}  // namespace heirloom
