// RangeChecks: holds the bytes that are read of a checkpoint against the CRC-32s that its container carries. Whoever reads
// tells what it read, in any order, by any thread; a range that has been read once in full is verified then, without a
// second read. finish() reads what is missing of ranges that were begun. Ranges that nobody touches are not read.
#pragma once

#include "engine/base/file_set.hpp"
#include "heirloom/nouns.hpp"
#include "heirloom/result.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <vector>

namespace heirloom::model {

class RangeChecks {
 public:
  explicit RangeChecks(const std::vector<Checksum>& checksums);

  // `bytes` were read at `offset` of a file for a tensor of the checkpoint, whose checksums these are. Malformed when they
  // complete a range that is damaged.
  Result<void> add(const Checkpoint& checkpoint, std::uint32_t tensor, std::uint32_t file, std::uint64_t offset,
                   std::span<const std::uint8_t> bytes);
  // Bytes of this extent are read by somebody who does not say which: finish() verifies its ranges.
  void touch(std::uint32_t tensor, const Extent& extent);

  // Verifies what was begun and not completed.
  Result<void> finish(const Checkpoint& checkpoint, const base::FileSet& files);

 private:
  struct Run {
    std::uint64_t size = 0;
    std::uint32_t crc = 0;
  };
  struct Range {
    Checksum checksum;
    std::map<std::uint64_t, Run> runs = {};  // by their first byte; apart from each other
    std::uint32_t tensor = 0;                // that touched it first
    bool is_touched = false;
    bool is_verified = false;
  };
  using Ranges = std::vector<Range>;

  Ranges::iterator first_at(std::uint32_t file, std::uint64_t offset);
  Result<void> add_to(const Checkpoint& checkpoint, Range& range, std::uint64_t offset,
                      std::span<const std::uint8_t> bytes);
  static Result<void> insert(const Checkpoint& checkpoint, Range& range, std::uint64_t offset, Run run);
  static void mark(Range& range, std::uint32_t tensor);

  std::mutex mutex_;
  Ranges ranges_;  // by file and offset
};

}  // namespace heirloom::model
