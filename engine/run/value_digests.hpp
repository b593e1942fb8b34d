// ValueDigests: the digest of the numbers of tensors that are arrangements of the source's, as its canonical view has them
// (engine/plan/canonical.hpp), from the bytes that an execution has in its buffers anyway: what lies there as in the source,
// or is what the plan gathers for an output. Numbers are widened in small steps while they are digested. Binary32 without NaN
// is as wide as it gets, so that a whole tensor of it has its digest already. What none of this fits is read by finish(), from
// the page cache as a rule.
#pragma once

#include "engine/arch/tensors.hpp"
#include "engine/base/log.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/feed.hpp"
#include "engine/run/source_parts.hpp"
#include "engine/run/tensor_digest.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

namespace heirloom::run {

class ValueDigests {
 public:
  // All but `parts` outlive the object. No number of `tensors` is changed.
  ValueDigests(std::span<const arch::MappedTensor> tensors, const plan::Plan& plan, const model::Source& source, const Work& work,
               const kernels::Kernels& kernels);
  // Before the feed is settled; `parts` are the source's.
  void add_to(Feed& feed, DigestPool& pool, std::span<const std::vector<SourcePart>> parts);

  // After all pieces; `sources` are the digests of the source's tensors. Parallel to the tensors.
  Result<std::vector<Values>> finish(std::span<const base::Digest> sources, DigestPool& pool, std::size_t threads,
                                     std::uint64_t memory_bytes, const base::Log& log);

 private:
  struct Tensor {
    DigestPool::Stream* stream = nullptr;         // of its numbers
    std::optional<std::uint32_t> same_as = {};    // source tensor with these bytes
    std::atomic<bool>* has_nan = nullptr;         // then both are of bytes that are not canonical
  };

  Tensor whole_source(Feed& feed, std::uint32_t source, std::span<const SourcePart> parts);
  Tensor part_of_source(Feed& feed, DigestPool& pool, const arch::Box& box, std::span<const SourcePart> parts);
  Tensor gathered(Feed& feed, DigestPool& pool, std::uint32_t output);
  DigestPool::Translate translate(const encoding::Codec& codec) const;

  const std::span<const arch::MappedTensor> mapped_;
  const plan::Plan& plan_;
  const model::Source& source_;
  const Work& work_;
  const kernels::Kernels& kernels_;
  std::vector<Tensor> tensors_;
  std::deque<std::atomic<bool>> nans_;
};

// The numbers of one such tensor, read on its own.
Result<Values> values_of(const model::Source& source, const arch::MappedTensor& tensor, const kernels::Kernels& kernels, Buffers& buffers);

}  // namespace heirloom::run
