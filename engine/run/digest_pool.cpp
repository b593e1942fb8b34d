#include "engine/run/digest_pool.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace heirloom::run {
namespace {

// Streams to choose two from: what two pieces of sources and their outputs give.
constexpr std::size_t good_choice = 4;
constexpr std::size_t block_bytes = kernels::sha256_block_bytes;

}  // namespace

// One message. A piece that is begun keeps its place, so that what is left of it finds another partner.
class DigestPool::Stream {
 public:
  Stream(const kernels::Sha256Blocks* blocks, Translate translate) : blocks_(blocks), translate_(std::move(translate)) {
    if (blocks_ == nullptr)
      plain_.emplace();
  }

  struct Piece {
    std::span<const std::uint8_t> bytes;
    std::function<void()> release;
  };
  // These with the pool's lock.
  std::map<std::uint64_t, Piece> parked;
  std::uint64_t next = 0;
  bool is_busy = false;  // with a piece in turn: in the list of those that are ready, or being digested
  bool take_turn() {
    is_busy = !parked.empty() && parked.begin()->first == next;
    if (is_busy) {
      piece_ = std::move(parked.extract(parked.begin()).mapped());
      rest_ = piece_.bytes;
      ++next;
    }
    return is_busy;
  }

  // These by who has the stream.
  std::size_t left() const { return rest_.size() + window_.size(); }
  void release() {
    std::vector<std::uint32_t>().swap(scratch_);
    piece_.release();
  }
  // Whole blocks that lie at data(), once what came before ends with one. 0 when the piece is at its end.
  std::size_t whole_blocks() {
    while (fill_block(), window_.size() < block_bytes) {
      keep(window_.size());
      if (!next_window())
        return 0;
    }
    return window_.size() / block_bytes;
  }
  const std::uint8_t* data() const { return window_.data(); }
  kernels::Sha256State& state() { return state_; }
  void skip(std::size_t blocks) { take(blocks * block_bytes); }
  // All that is left of the piece.
  void update() {
    if (blocks_ == nullptr) {
      for (; left() != 0; next_window()) {
        plain_->update(window_);
        window_ = {};
      }
      return;
    }
    while (const std::size_t blocks = whole_blocks()) {
      blocks_->one(state_, data(), blocks);
      skip(blocks);
    }
  }

  base::Digest finish() {
    if (blocks_ == nullptr)
      return plain_->finish();
    // A one bit, zeros, and the length in bits behind, to whole blocks.
    std::array<std::uint8_t, 2 * block_bytes> end{};
    std::copy_n(partial_.begin(), used_, end.begin());
    end[used_] = 0x80;
    const std::size_t blocks = used_ + 9 > block_bytes ? 2 : 1;
    for (std::size_t i = 0; i < 8; ++i)
      end[blocks * block_bytes - 1 - i] = static_cast<std::uint8_t>(size_ * 8 >> (8 * i));
    blocks_->one(state_, end.data(), blocks);
    base::Digest digest{};
    for (std::size_t i = 0; i < digest.size(); ++i)
      digest[i] = static_cast<std::uint8_t>(state_[i / 4] >> (24 - 8 * (i % 4)));
    return digest;
  }

 private:
  // False when there is none.
  bool next_window() {
    if (rest_.empty())
      return false;
    window_ = translate_ ? translate_(rest_, scratch_) : std::exchange(rest_, {});
    return true;
  }
  std::span<const std::uint8_t> take(std::size_t size) {
    const auto taken = window_.first(size);
    window_ = window_.subspan(size);
    size_ += size;
    return taken;
  }
  void keep(std::size_t size) {
    const auto bytes = take(size);
    std::copy(bytes.begin(), bytes.end(), partial_.begin() + static_cast<std::ptrdiff_t>(used_));
    used_ += size;
  }
  void fill_block() {
    if (used_ == 0)
      return;
    keep(std::min(window_.size(), block_bytes - used_));
    if (used_ == block_bytes) {
      blocks_->one(state_, partial_.data(), 1);
      used_ = 0;
    }
  }

  const kernels::Sha256Blocks* blocks_;
  Translate translate_;
  std::optional<base::Sha256> plain_ = {};     // where there are no blocks
  Piece piece_ = {};                           // in turn
  std::span<const std::uint8_t> rest_ = {};    // of it, as it is
  std::span<const std::uint8_t> window_ = {};  // of it, as it is digested
  std::vector<std::uint32_t> scratch_;         // where the window may lie
  kernels::Sha256State state_ = kernels::sha256_start;
  std::array<std::uint8_t, block_bytes> partial_{};
  std::size_t used_ = 0;                       // of it
  std::uint64_t size_ = 0;                     // of the message so far
};

DigestPool::DigestPool(const kernels::Sha256Blocks* blocks) : blocks_(blocks) {}
DigestPool::~DigestPool() = default;

DigestPool::Stream* DigestPool::add(Translate translate) {
  return streams_.emplace_back(std::make_unique<Stream>(blocks_, std::move(translate))).get();
}

void DigestPool::submit(Stream* stream, std::uint64_t index, std::span<const std::uint8_t> bytes, std::function<void()> release) {
  const std::lock_guard lock(mutex_);
  stream->parked.emplace(index, Stream::Piece{bytes, std::move(release)});
  if (!stream->is_busy && stream->take_turn())
    ready_.push_back(stream);
}

// The two with most to do, which are most alike.
DigestPool::Pair DigestPool::take(bool is_idle) {
  const std::lock_guard lock(mutex_);
  if (ready_.empty() || (!is_idle && blocks_ != nullptr && ready_.size() < good_choice))
    return {};
  const std::size_t count = std::min<std::size_t>(ready_.size(), blocks_ == nullptr ? 1 : 2);
  std::partial_sort(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(count), ready_.end(),
                    [](const Stream* a, const Stream* b) { return a->left() > b->left(); });
  Pair pair{};
  std::copy_n(ready_.begin(), count, pair.begin());
  ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(count));
  return pair;
}

void DigestPool::digest(const Pair& pair) const {
  const auto [first, second] = pair;
  if (second == nullptr)
    return first->update();
  while (const std::size_t both = std::min(first->whole_blocks(), second->whole_blocks())) {
    blocks_->two(first->state(), first->data(), second->state(), second->data(), both);
    first->skip(both);
    second->skip(both);
  }
}

void DigestPool::put_back(Stream* stream) {
  const bool is_done = stream->left() == 0;
  if (is_done)
    stream->release();
  const std::lock_guard lock(mutex_);
  if (!is_done || stream->take_turn())
    ready_.push_back(stream);
}

void DigestPool::work(bool is_idle) {
  for (Pair pair = take(is_idle); pair[0] != nullptr; pair = take(is_idle)) {
    digest(pair);
    for (Stream* stream : pair)
      if (stream != nullptr)
        put_back(stream);
  }
}

base::Digest DigestPool::finish(Stream* stream) { return stream->finish(); }

}  // namespace heirloom::run
