// OrderedDigest: SHA-256 of a tensor whose pieces are finished in any order by several threads. A piece whose turn has
// not come is parked; whoever finishes the piece in turn digests what waits behind it. Nobody waits.
#pragma once

#include "engine/base/digest.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <span>

namespace heirloom::run {

class OrderedDigest {
 public:
  // Takes piece number `index`; calls `release` once its bytes are no longer needed, maybe from another thread, but one
  // call at a time and in the pieces' order.
  void submit(std::uint64_t index, std::span<const std::uint8_t> bytes, std::function<void()> release);
  // After all pieces have been submitted and released.
  base::Digest finish() { return state_.finish(); }

 private:
  struct Piece {
    std::span<const std::uint8_t> bytes;
    std::function<void()> release;
  };
  std::mutex mutex_;
  std::map<std::uint64_t, Piece> parked_;
  std::uint64_t next_ = 0;
  bool is_busy_ = false;
  base::Sha256 state_;
};

}  // namespace heirloom::run
