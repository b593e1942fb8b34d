// The executor: carries out a plan. The work is a flat list of pieces with known places in the output; one arena of
// threads takes them in order, reads ahead, writes behind and digests every output tensor on the way. Memory is bounded
// whatever the tensors' sizes. Checksums that the source carries are verified on the way, and its tensors digested on request.
// The output appears under its final name only when all of it is written and synced.
#pragma once

#include "engine/arch/tensors.hpp"
#include "engine/base/digest.hpp"
#include "engine/base/log.hpp"
#include "engine/base/output.hpp"
#include "engine/encoding/statistics.hpp"
#include "engine/model/model.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/tensor_digest.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace heirloom::run {

inline constexpr std::uint64_t default_memory_bytes = 1ull << 30;
inline constexpr std::uint64_t min_memory_bytes = 4ull << 20;

struct Outcome {
  std::vector<base::Digest> digests;  // SHA-256 of each output tensor, parallel to the plan's tensors
  std::uint64_t bytes_written = 0;
  // What each tensor lost, where its encoding changed; empty when it was not measured. Parallel to the plan's tensors.
  std::vector<std::optional<encoding::ErrorStatistics>> statistics;
  // SHA-256 of each of the source's tensors, little endian, parallel to them; empty when they were not digested.
  std::vector<base::Digest> sources = {};
  // Of the numbers of ExecuteOptions::canonical, parallel to them.
  std::vector<Values> values = {};
  std::vector<std::string> displaced = {};  // those of the plan's displaced files that were there; they are gone
};

// An output that is written but for what completes it. `files` are the layout's.
struct Unfinished {
  base::Output& output;
  std::span<const base::OutputFile* const> files;
};

struct ExecuteOptions {
  std::size_t threads = 0;                            // 0: all cores
  std::uint64_t memory_bytes = default_memory_bytes;  // of all buffers together
  bool is_directory = false;
  bool force = false;
  bool measures_errors = false;                       // --stats
  // Bytes of a layout that names a checksum: from those of its placements, in their order. Needed for such a plan.
  std::function<Result<std::vector<Literal>>(std::span<const std::uint64_t>)> finish = {};
  bool digests_sources = false;                       // Outcome.sources
  // Arrangements of the source's tensors, no number changed, whose numbers are digested, too; with digests_sources alone.
  std::span<const arch::MappedTensor> canonical = {};
  // May change bytes of the files and add others, once all else is written and before any of it appears.
  std::function<Result<void>(const Outcome&, const Unfinished&)> complete = {};
};

Result<Outcome> execute(const plan::Plan& plan, const model::Source& source, const std::filesystem::path& target,
                        const ExecuteOptions& options, const base::Log& log);

}  // namespace heirloom::run
