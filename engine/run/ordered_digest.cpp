#include "engine/run/ordered_digest.hpp"

#include <utility>

namespace heirloom::run {

void OrderedDigest::submit(std::uint64_t index, std::span<const std::uint8_t> bytes, std::function<void()> release) {
  std::unique_lock lock(mutex_);
  parked_.emplace(index, Piece{bytes, std::move(release)});
  if (is_busy_)
    return;
  is_busy_ = true;
  while (!parked_.empty() && parked_.begin()->first == next_) {
    const auto node = parked_.extract(parked_.begin());
    lock.unlock();
    state_.update(node.mapped().bytes);
    node.mapped().release();
    lock.lock();
    ++next_;
  }
  is_busy_ = false;
}

}  // namespace heirloom::run
