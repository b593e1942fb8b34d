// The bytes of one pickle, taken from the front: from memory, or from a file through a window. What is taken is valid until
// the next take. One thread per input.
#pragma once

#include "heirloom/files.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::pickle {

class Input {
 public:
  // `base` is the byte of the file where `bytes` begin.
  Input(std::span<const std::uint8_t> bytes, std::uint64_t base)
      : window_(bytes), start_(base), end_(base + bytes.size()), position_(base) {}
  // At most `max_taken` bytes are taken at once.
  Input(const Files& files, std::string file, std::uint64_t offset, std::uint64_t end, std::uint64_t max_taken)
      : files_(files), file_(std::move(file)), start_(offset), end_(end), position_(offset), max_taken_(max_taken) {}

  std::uint64_t position() const { return position_; }
  std::uint64_t remaining() const { return end_ - position_; }

  Result<std::span<const std::uint8_t>> take(std::uint64_t count) {
    if (position_ - start_ > window_.size() || count > window_.size() - (position_ - start_))
      HEIRLOOM_CHECK(fill(count));
    const auto taken = window_.subspan(position_ - start_, count);
    position_ += count;
    return taken;
  }

  // A number of `size` bytes, little endian.
  Result<std::uint64_t> number(unsigned size) {
    HEIRLOOM_TRY(const auto raw, take(size));
    std::uint64_t value = 0;
    for (unsigned i = size; i-- > 0;)
      value = (value << 8) | raw[i];
    return value;
  }

  // Text up to the next newline, which is taken too.
  Result<std::string_view> line(std::uint64_t max_bytes);

 private:
  Result<void> fill(std::uint64_t count);

  std::optional<Files> files_;
  std::string file_;
  std::vector<std::uint8_t> buffer_;
  std::span<const std::uint8_t> window_;
  std::uint64_t start_ = 0;  // byte of the file where the window begins
  std::uint64_t end_ = 0;
  std::uint64_t position_ = 0;
  std::uint64_t max_taken_ = 0;
  std::uint64_t window_bytes_ = 4096;  // of the next window: many pickles are short
};

}  // namespace heirloom::pickle
