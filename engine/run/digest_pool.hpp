// DigestPool: SHA-256 of many tensors whose pieces are finished in any order by several threads. A piece whose turn has not
// come is parked. Pieces of two tensors at a time are digested together where the processor gains by it
// (engine/kernels/sha256.hpp), so a thread goes on without digesting until there are enough to choose from; who has nothing else
// to do digests the rest. Nobody waits.
#pragma once

#include "engine/base/digest.hpp"
#include "engine/kernels/sha256.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace heirloom::run {

class DigestPool {
 public:
  // A stream of pieces; valid as long as the pool.
  class Stream;
  // Makes the bytes that are digested of those of a piece: takes some from the front of `rest`, and gives a span of them or of
  // `scratch`.
  using Translate = std::function<std::span<const std::uint8_t>(std::span<const std::uint8_t>& rest, std::vector<std::uint32_t>& scratch)>;
  Stream* add(Translate translate = {});

  // Takes piece number `index` of a stream; calls `release` once its bytes are no longer needed, maybe from another thread,
  // but for one stream one call at a time and in the pieces' order.
  void submit(Stream* stream, std::uint64_t index, std::span<const std::uint8_t> bytes, std::function<void()> release);
  // Digests while there is enough to choose from; all that is in turn when `is_idle`.
  void work(bool is_idle);
  // After all pieces have been submitted and released.
  base::Digest finish(Stream* stream);

  // Without `blocks` OpenSSL digests one message at a time.
  explicit DigestPool(const kernels::Sha256Blocks* blocks = kernels::sha256_blocks());
  ~DigestPool();

 private:
  using Pair = std::array<Stream*, 2>;  // the second may be null
  Pair take(bool is_idle);
  void digest(const Pair& pair) const;
  void put_back(Stream* stream);

  const kernels::Sha256Blocks* const blocks_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<Stream*> ready_;  // whose next piece is there, and that nobody digests
};

}  // namespace heirloom::run
