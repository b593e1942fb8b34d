// SourceDigests: SHA-256 of every tensor of the source, from the bytes that an execution has in its buffers anyway. What
// lies there as in the source is digested where it lies: runs that were read to their place, and windows of pieces whose
// elements change their order among themselves only. Where the output is the source's bytes, one digest serves both. What
// neither fits - a source that no output uses, one whose pieces come in another order, numbers that are changed where they
// were read - is read by finish(), from the page cache as a rule.
#pragma once

#include "engine/base/digest.hpp"
#include "engine/base/log.hpp"
#include "engine/model/model.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/feed.hpp"
#include "engine/run/source_parts.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace heirloom::run {

class SourceDigests {
 public:
  // `source` outlives the object.
  SourceDigests(const plan::Plan& plan, const model::Source& source, const Work& work);
  // Before the feed is settled; `parts` are the source's.
  void add_to(Feed& feed, DigestPool& pool, std::span<const std::vector<SourcePart>> parts);

  // After all pieces; `outputs` are the digests of the plan's tensors. Parallel to the source's tensors.
  Result<std::vector<base::Digest>> finish(std::span<const base::Digest> outputs, DigestPool& pool, std::size_t threads,
                                           const base::Log& log);

 private:
  struct Tensor {
    std::optional<std::size_t> same_as = {};     // output tensor with the same bytes
    DigestPool::Stream* stream = nullptr;        // of one whose parts come in order
  };

  const model::Source& source_;
  std::vector<Tensor> tensors_;
};

// SHA-256 of a tensor's bytes, little endian, through a buffer of 1 MiB.
Result<base::Digest> digest_of(const model::Source& source, std::uint32_t tensor);

}  // namespace heirloom::run
