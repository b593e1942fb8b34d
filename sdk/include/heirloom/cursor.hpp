// Cursor: reads numbers and byte strings one after another, from memory or from one of the host's files, and never past
// the end. Reads a file through a window, so headers of any size need no more memory than what is kept of them.
// One thread per cursor.
#pragma once

#include "heirloom/checked.hpp"
#include "heirloom/files.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace heirloom {

class Cursor {
 public:
  // Over bytes that outlive the cursor.
  explicit Cursor(std::span<const std::uint8_t> bytes) : size_(bytes.size()), window_(bytes) {}

  static Result<Cursor> open(const Files& files, std::string name) {
    HEIRLOOM_TRY(const std::uint64_t size, files.size(name));
    return Cursor(files, std::move(name), size);
  }

  Cursor(Cursor&&) = default;
  Cursor& operator=(Cursor&&) = default;
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  std::uint64_t position() const { return position_; }
  std::uint64_t size() const { return size_; }
  std::uint64_t remaining() const { return size_ - position_; }

  void set_big_endian(bool is_big) { is_big_endian_ = is_big; }
  bool is_big_endian() const { return is_big_endian_; }

  // An error unless `count` bytes are left; call it before any allocation that depends on `count`.
  Result<void> require(std::uint64_t count) const {
    if (count > remaining())
      return error(Code::malformed, "needs " + std::to_string(count) + " bytes, but the file ends after " +
                                        std::to_string(remaining()));
    return {};
  }

  Result<void> skip(std::uint64_t count) {
    HEIRLOOM_CHECK(require(count));
    position_ += count;
    return {};
  }

  Result<std::uint8_t> u8() { return number<std::uint8_t>(); }
  Result<std::uint16_t> u16() { return number<std::uint16_t>(); }
  Result<std::uint32_t> u32() { return number<std::uint32_t>(); }
  Result<std::uint64_t> u64() { return number<std::uint64_t>(); }

  // `count` bytes.
  Result<std::vector<std::uint8_t>> bytes(std::uint64_t count) {
    HEIRLOOM_CHECK(require(count));
    std::vector<std::uint8_t> out(count);
    HEIRLOOM_CHECK(read_into(out));
    return out;
  }
  Result<std::string> text(std::uint64_t count) {
    HEIRLOOM_CHECK(require(count));
    std::string out(count, '\0');
    HEIRLOOM_CHECK(read_into({reinterpret_cast<std::uint8_t*>(out.data()), out.size()}));
    return out;
  }

  // An Error at the current byte of this file.
  tl::unexpected<Error> error(Code code, std::string message) const {
    return fail(Error{code, std::move(message), position_, name_});
  }
  tl::unexpected<Error> error_at(std::uint64_t position, Code code, std::string message) const {
    return fail(Error{code, std::move(message), position, name_});
  }

 private:
  static constexpr std::uint64_t window_bytes = 1u << 18;

  Cursor(const Files& files, std::string name, std::uint64_t size)
      : files_(files), name_(std::move(name)), size_(size) {}

  Result<void> read_into(std::span<std::uint8_t> out) {
    while (!out.empty()) {
      if (position_ < window_start_ || position_ - window_start_ >= window_.size())
        HEIRLOOM_CHECK(refill());
      const std::uint64_t at = position_ - window_start_;
      const std::size_t count = std::min<std::uint64_t>(out.size(), window_.size() - at);
      std::memcpy(out.data(), window_.data() + at, count);
      out = out.subspan(count);
      position_ += count;
    }
    return {};
  }

  // Callers have made sure that a byte is left.
  Result<void> refill() {
    buffer_.resize(std::min(window_bytes, remaining()));
    HEIRLOOM_CHECK(files_->read(name_, position_, buffer_));
    window_ = buffer_;
    window_start_ = position_;
    return {};
  }

  template <class T>
  Result<T> number() {
    HEIRLOOM_CHECK(require(sizeof(T)));
    std::uint8_t raw[sizeof(T)];
    HEIRLOOM_CHECK(read_into(raw));
    if (is_big_endian_)
      std::reverse(raw, raw + sizeof raw);
    T value = 0;
    for (std::size_t i = sizeof(T); i-- > 0;)
      value = static_cast<T>((static_cast<std::uint64_t>(value) << 8) | raw[i]);
    return value;
  }

  std::optional<Files> files_;
  std::string name_;
  std::uint64_t size_ = 0;
  std::uint64_t position_ = 0;
  bool is_big_endian_ = false;
  std::vector<std::uint8_t> buffer_;
  std::span<const std::uint8_t> window_;
  std::uint64_t window_start_ = 0;
};

}  // namespace heirloom
