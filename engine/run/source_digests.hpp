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
#include "engine/run/digest_pool.hpp"
#include "engine/run/pieces.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace heirloom::run {

class SourceDigests {
 public:
  // `source` and `pool` outlive the object.
  SourceDigests(const plan::Plan& plan, const model::Source& source, const Work& work, DigestPool& pool);

  // How often submit() of this piece will call `release`.
  std::size_t count(std::size_t piece) const { return first_[piece + 1] - first_[piece]; }
  // After the piece was produced. Each part that is taken calls `release` once it is digested, as DigestPool does.
  void submit(std::size_t piece, const Buffers& buffers, const std::function<void()>& release);

  // After all pieces; `outputs` are the digests of the plan's tensors. Parallel to the source's tensors.
  Result<std::vector<base::Digest>> finish(std::span<const base::Digest> outputs, std::size_t threads, const base::Log& log);

 private:
  struct Part {
    SourceRun run;
    std::uint64_t index = 0;  // among the parts of its tensor
  };
  struct Tensor {
    std::optional<std::size_t> same_as = {};     // output tensor with the same bytes
    DigestPool::Stream* stream = nullptr;        // of one whose parts come in order
  };
  void find_same(const plan::Plan& plan, const Work& work);
  void find_parts(const Work& work);

  const model::Source& source_;
  DigestPool& pool_;
  std::vector<Tensor> tensors_;
  std::vector<Part> parts_;         // piece by piece
  std::vector<std::size_t> first_;  // of each piece, and the end
};

// SHA-256 of a tensor's bytes, little endian, through a buffer of 1 MiB.
Result<base::Digest> digest_of(const model::Source& source, std::uint32_t tensor);

}  // namespace heirloom::run
