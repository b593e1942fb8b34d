// Ranges of bytes in files, and whether two of them overlap. Pure functions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace heirloom::model {

struct Range {
  std::uint32_t file = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;   // more than 0; offset + size fits 64 bits
  std::uint32_t owner = 0;  // the caller's number for it
};

// Two ranges that share a byte, the one that starts first first; nothing when there are none. Sorts `ranges`.
inline std::optional<std::pair<Range, Range>> find_overlap(std::vector<Range>& ranges) {
  const auto key = [](const Range& range) { return std::tuple(range.file, range.offset, range.owner); };
  std::sort(ranges.begin(), ranges.end(), [&](const Range& a, const Range& b) { return key(a) < key(b); });
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    const Range& before = ranges[i - 1];
    const Range& after = ranges[i];
    if (before.file == after.file && after.offset < before.offset + before.size)
      return std::pair(before, after);
  }
  return std::nullopt;
}

}  // namespace heirloom::model
