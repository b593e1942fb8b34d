// Feed: which streams of digests take what from the buffers of which piece, besides the output's own. Constant once it is
// settled; then any thread may submit.
#pragma once

#include "engine/run/digest_pool.hpp"
#include "engine/run/producer.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

namespace heirloom::run {

class Feed {
 public:
  // Both outlive the object.
  Feed(DigestPool& pool, const kernels::Kernels& kernels) : pool_(pool), kernels_(kernels) {}

  // The next bytes of a stream: these of a piece's buffers. A stream's pieces come in the order in which they are begun.
  void add(std::size_t piece, const SourceRun& run, DigestPool::Stream* stream);
  // Binary32 numbers, among which a NaN is noted.
  void watch(std::size_t piece, const SourceRun& run, std::atomic<bool>& has_nan);
  // After all, before the first submit().
  void settle(std::size_t pieces);

  // How often submit() of this piece will call `release`.
  std::size_t count(std::size_t piece) const { return counts_[piece]; }
  // After the piece was produced. Each part that is taken calls `release` once it is digested, as DigestPool does.
  void submit(std::size_t piece, const Buffers& buffers, const std::function<void()>& release);

 private:
  struct Part {
    std::size_t piece = 0;
    SourceRun run;
    DigestPool::Stream* stream = nullptr;     // or
    std::atomic<bool>* has_nan = nullptr;
    std::uint64_t index = 0;                  // among the parts of its stream
  };

  DigestPool& pool_;
  const kernels::Kernels& kernels_;
  std::unordered_map<const DigestPool::Stream*, std::uint64_t> lengths_;  // of the streams, in parts
  std::vector<Part> parts_;                   // piece by piece
  std::vector<std::size_t> first_;            // of each piece, and the end
  std::vector<std::size_t> counts_;
};

}  // namespace heirloom::run
