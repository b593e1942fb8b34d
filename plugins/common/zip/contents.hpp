// The contents of an archive's deflated members, of which a few are kept open: each has a window and marks
// (content.hpp). Usable from any thread.
#pragma once

#include "plugins/common/zip/content.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

namespace heirloom::zip {

class Contents {
 public:
  // The archive outlives the object.
  explicit Contents(const Archive& archive) : archive_(archive) {}

  // Bytes from `offset` on of the content of member number `member`.
  Result<void> read(std::size_t member, std::uint64_t offset, std::span<std::uint8_t> out) const {
    return open(member)->read(offset, out);
  }

 private:
  static constexpr std::size_t max_open = 4;

  // Shared with the threads that still read from one that gives way to another.
  std::shared_ptr<const Content> open(std::size_t member) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [number, content] : open_)
      if (number == member)
        return content;
    if (open_.size() == max_open)
      open_.pop_front();
    open_.emplace_back(member, std::make_shared<const Content>(archive_, archive_.members()[member]));
    return open_.back().second;
  }

  const Archive& archive_;
  mutable std::mutex mutex_;
  mutable std::deque<std::pair<std::size_t, std::shared_ptr<const Content>>> open_;
};

}  // namespace heirloom::zip
