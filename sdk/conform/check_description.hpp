// What a description means: files that are there with their true sizes, sound encodings, unique names, extents that lie
// inside their files, do not overlap, and together are shape x encoding.
#pragma once

#include "case.hpp"
#include "view_host.hpp"

#include <span>

namespace heirloom::conform {

// The description in a reader's buffer; an Error names the first thing that is wrong with it.
Result<Checkpoint> checked_description(const Format& format, std::span<const std::uint8_t> buffer,
                                       const ViewHost& host);

// The part of it that needs no files: encodings, tensors, attributes.
Result<void> check_nouns(const Checkpoint& checkpoint);

// Bytes of a tensor: shape x encoding.
Result<std::uint64_t> tensor_bytes(const Checkpoint& checkpoint, const Tensor& tensor);

// A run of bytes of one file and what owns it.
struct OwnedRange {
  Extent place;
  std::string owner;
};
// An error when two ranges share a byte.
Result<void> check_disjoint(std::vector<OwnedRange> ranges);

}  // namespace heirloom::conform
