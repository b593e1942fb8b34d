#include "plugins/common/zip/inflater.hpp"

#include <algorithm>
#include <new>

namespace heirloom::zip {
namespace {

constexpr std::uint64_t buffer_bytes = 1u << 16;
constexpr std::uint64_t window_bytes = 1u << 15;
constexpr int raw_deflate = -15;       // no zlib header; windows of up to 32 KiB
constexpr int last_block = 64, block_end = 128, unused_bits = 7;  // z_stream::data_type after inflate()

}  // namespace

Inflater::Inflater(const Files& files, const std::string& file, const Member& member)
    : files_(files), file_(file), member_(member) {
  if (inflateInit2(&stream_, raw_deflate) != Z_OK)
    throw std::bad_alloc();
}

Inflater::~Inflater() { inflateEnd(&stream_); }

tl::unexpected<Error> Inflater::broken(std::string what) const {
  return fail(Error{Code::malformed, "\"" + member_.name + "\": " + std::move(what),
                    member_.offset + input_ - stream_.avail_in, file_});
}

Result<void> Inflater::start_at(const Mark& mark) {
  if (inflateReset2(&stream_, raw_deflate) != Z_OK)
    return fail(Code::internal, "zlib cannot start");
  has_ended_ = false;
  position_ = mark.position;
  input_ = mark.input;
  stream_.avail_in = 0;
  if (mark.bits != 0) {
    std::uint8_t byte = 0;
    HEIRLOOM_CHECK(files_.read(file_, member_.offset + mark.input - 1, {&byte, 1}));
    if (inflatePrime(&stream_, mark.bits, byte >> (8 - mark.bits)) != Z_OK)
      return fail(Code::internal, "zlib cannot start inside a byte");
  }
  if (!mark.window.empty() &&
      inflateSetDictionary(&stream_, mark.window.data(), static_cast<uInt>(mark.window.size())) != Z_OK)
    return fail(Code::internal, "zlib cannot start from a window");
  return {};
}

Result<void> Inflater::refill() {
  const std::uint64_t count = std::min(buffer_bytes, member_.stored_size - input_);
  if (count == 0)
    return broken("the deflated data is cut off after " + std::to_string(position_) + " bytes of content");
  buffer_.resize(count);
  HEIRLOOM_CHECK(files_.read(file_, member_.offset + input_, buffer_));
  input_ += count;
  stream_.next_in = buffer_.data();
  stream_.avail_in = static_cast<uInt>(count);
  return {};
}

// One call of zlib, which may have output left to give without more input.
Result<std::uint64_t> Inflater::step(std::span<std::uint8_t> out, bool stop_at_block) {
  const auto room = static_cast<uInt>(std::min<std::uint64_t>(out.size(), 1u << 30));
  stream_.next_out = out.data();
  stream_.avail_out = room;
  const int status = inflate(&stream_, stop_at_block ? Z_BLOCK : Z_NO_FLUSH);
  const std::uint64_t made = room - stream_.avail_out;
  position_ += made;
  if (status == Z_STREAM_END)
    has_ended_ = true;
  else if (status == Z_MEM_ERROR)
    return fail(Code::internal, "out of memory");
  else if (status != Z_OK && status != Z_BUF_ERROR)
    return broken("the deflated data is damaged" +
                  (stream_.msg == nullptr ? std::string() : ": " + std::string(stream_.msg)));
  if (status == Z_BUF_ERROR && stream_.avail_in == 0)
    HEIRLOOM_CHECK(refill());
  return made;
}

Result<std::uint64_t> Inflater::next(std::span<std::uint8_t> out, bool stop_at_block) {
  std::uint64_t done = 0;
  while (done < out.size()) {
    if (has_ended_)
      return broken("the deflated data ends after " + std::to_string(position_) + " bytes of " +
                    std::to_string(member_.size));
    HEIRLOOM_TRY(const std::uint64_t made, step(out.subspan(done), stop_at_block));
    done += made;
    if (stop_at_block && at_block())
      break;
  }
  return done;
}

bool Inflater::at_block() const {
  return !has_ended_ && (stream_.data_type & block_end) != 0 && (stream_.data_type & last_block) == 0;
}

Mark Inflater::mark() const {
  Mark mark{position_, input_ - stream_.avail_in, stream_.data_type & unused_bits, {}};
  mark.window.resize(window_bytes);
  uInt size = 0;
  // zlib only reads here; its interface is not const.
  inflateGetDictionary(const_cast<z_stream*>(&stream_), mark.window.data(), &size);
  mark.window.resize(size);
  return mark;
}

Result<void> Inflater::check_end() {
  std::uint8_t more = 0;
  while (!has_ended_) {
    HEIRLOOM_TRY(const std::uint64_t made, step({&more, 1}, false));
    if (made != 0)
      return broken("the deflated data goes on after the " + std::to_string(member_.size) + " bytes that it should have");
  }
  if (stream_.avail_in != 0 || input_ != member_.stored_size)
    return broken("bytes follow the deflated data");
  return {};
}

}  // namespace heirloom::zip
