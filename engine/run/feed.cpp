#include "engine/run/feed.hpp"

#include "engine/run/tensor_digest.hpp"

#include <algorithm>
#include <span>

namespace heirloom::run {

void Feed::add(std::size_t piece, const SourceRun& run, DigestPool::Stream* stream) {
  parts_.push_back({piece, run, stream, nullptr, lengths_[stream]++});
}

void Feed::watch(std::size_t piece, const SourceRun& run, std::atomic<bool>& has_nan) {
  parts_.push_back({piece, run, nullptr, &has_nan});
}

void Feed::settle(std::size_t pieces) {
  lengths_.clear();
  std::stable_sort(parts_.begin(), parts_.end(), [](const Part& a, const Part& b) { return a.piece < b.piece; });
  first_.assign(pieces + 1, 0);
  counts_.assign(pieces, 0);
  for (const Part& part : parts_) {
    ++first_[part.piece + 1];
    counts_[part.piece] += part.stream != nullptr;
  }
  for (std::size_t i = 1; i < first_.size(); ++i)
    first_[i] += first_[i - 1];
}

void Feed::submit(std::size_t piece, const Buffers& buffers, const std::function<void()>& release) {
  const std::span parts = std::span(parts_).subspan(first_[piece], first_[piece + 1] - first_[piece]);
  const auto bytes_of = [&](const Part& part) {
    return std::span(part.run.is_in_window ? buffers.raw : buffers.gathered).subspan(part.run.at, part.run.size);
  };
  // First what is only looked at: the buffers are kept for the rest alone.
  for (const Part& part : parts)
    if (part.has_nan != nullptr && !*part.has_nan && has_nan_f32(kernels_, bytes_of(part)))
      *part.has_nan = true;
  for (const Part& part : parts)
    if (part.stream != nullptr)
      pool_.submit(part.stream, part.index, bytes_of(part), release);
}

}  // namespace heirloom::run
