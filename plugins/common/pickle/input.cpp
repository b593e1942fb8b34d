#include "plugins/common/pickle/input.hpp"

namespace heirloom::pickle {
namespace {

constexpr std::uint64_t max_window_bytes = 1u << 18;

}  // namespace

Result<void> Input::fill(std::uint64_t count) {
  if (count > remaining())
    return fail(Code::malformed, "the pickle needs " + std::to_string(count) + " more bytes, but only " +
                                     std::to_string(remaining()) + " are left", position_);
  if (count > max_taken_)
    return fail(Code::limit, "the pickle asks for " + std::to_string(count) + " bytes at once; the limit is " +
                                 std::to_string(max_taken_), position_);
  buffer_.resize(std::min(std::max(window_bytes_, count), remaining()));
  window_bytes_ = std::min(window_bytes_ * 2, max_window_bytes);
  HEIRLOOM_CHECK(files_->read(file_, position_, buffer_));
  window_ = buffer_;
  start_ = position_;
  return {};
}

Result<std::string_view> Input::line(std::uint64_t max_bytes) {
  for (std::uint64_t wanted = std::min<std::uint64_t>(remaining(), 256);; wanted = std::min(wanted * 2, remaining())) {
    const std::uint64_t begin = position_;
    HEIRLOOM_TRY(const auto seen, take(wanted));
    const auto newline = std::find(seen.begin(), seen.end(), std::uint8_t{'\n'});
    const auto length = static_cast<std::uint64_t>(newline - seen.begin());
    if (newline != seen.end() && length <= max_bytes) {
      position_ = begin + length + 1;
      return std::string_view(reinterpret_cast<const char*>(seen.data()), length);
    }
    position_ = begin;
    if (length > max_bytes)
      return fail(Code::limit, "a line of more than " + std::to_string(max_bytes) + " bytes", begin);
    if (wanted == remaining())
      return fail(Code::malformed, "the pickle ends inside a line", begin);
  }
}

}  // namespace heirloom::pickle
