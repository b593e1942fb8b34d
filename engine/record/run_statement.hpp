// The run statement: when a conversion ran, and by what program (formats/facts/provenance.md#run-when-and-by-what-program).
// It stands in the log alone.
#pragma once

#include "engine/base/digest.hpp"
#include "engine/provenance/statement.hpp"
#include "heirloom/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace heirloom::record {

struct RunFile {
  std::string name;
  std::uint64_t size = 0;
  std::optional<base::Digest> sha256 = {};
};

struct RunFacts {
  std::int64_t started = 0, finished = 0;                               // seconds since 1970
  std::vector<std::pair<std::string, base::Digest>> programs = {};      // name, SHA-256: the program and the plugins that took part
  std::vector<std::pair<std::string, std::string>> parameters = {};     // what changes no bytes
  std::vector<RunFile> files = {};
};

// Seconds since 1970: SOURCE_DATE_EPOCH where it is set. Misuse when that is no number.
Result<std::optional<std::int64_t>> fixed_time();
Result<std::int64_t> now();

// `event_id` is the event that the run made. With SOURCE_DATE_EPOCH two runs say the same.
Result<provenance::Statement> run_statement_of(const std::string& event_id, const RunFacts& facts);

}  // namespace heirloom::record
