// Checking a checkpoint: against the record that it carries, and against the source that it was made from.
#pragma once

#include "engine/api.hpp"
#include "engine/report/verify.hpp"

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace heirloom {

struct VerifyOptions {
  std::filesystem::path path;
  std::vector<std::filesystem::path> sources;  // --source; what has no record is held against the first
  std::filesystem::path importance;            // --imatrix; "" for none
  std::vector<std::string> source_options;     // NAME=VALUE, for the readers of all
  std::optional<record::Level> required;       // --require
  std::filesystem::path trust;                 // --trust; "" for none
  std::optional<std::time_t> at;               // --at; now
  bool reproduces = false;                     // --reproduce
  std::size_t sample = 0;                      // --sample; 0 for all receipts
  std::filesystem::path summary;               // --vsa: a verification summary is written there; "" for none
  std::size_t threads = 0;
  std::uint64_t memory_bytes = run::default_memory_bytes;
};

Result<report::Verified> verify(const Session& session, const VerifyOptions& options, const base::Log& log);

struct AdoptOptions {
  std::filesystem::path path;
  std::filesystem::path log;                   // of the record, whatever its name
  bool force = false;                          // replace a record that lies beside the checkpoint
  std::size_t threads = 0;
  std::uint64_t memory_bytes = run::default_memory_bytes;
};

// Writes the record beside the checkpoint: the log, and the receipts and the ledger that lie beside the log. Nothing when no
// event of it made these weights.
Result<std::optional<report::Adopted>> adopt(const Session& session, const AdoptOptions& options, const base::Log& log);

// "P2", "p2", "2" or "intact".
Result<record::Level> parse_level(std::string_view text);
// Seconds since 1970, or UTC as 2026-01-31 or 2026-01-31T12:00:00Z.
Result<std::time_t> parse_time(const std::string& text);

}  // namespace heirloom
