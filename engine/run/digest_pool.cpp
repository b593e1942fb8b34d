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
  explicit Stream(const kernels::Sha256Blocks* blocks) : blocks_(blocks) {
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
      done_ = 0;
      ++next;
    }
    return is_busy;
  }

  // These by who has the stream.
  std::span<const std::uint8_t> left() const { return piece_.bytes.subspan(done_); }
  void release() const { piece_.release(); }
  // Whole blocks of the piece in turn, once what came before ends with one.
  std::size_t whole_blocks() {
    fill_block();
    return blocks_ == nullptr ? 0 : left().size() / block_bytes;
  }
  kernels::Sha256State& state() { return state_; }
  void skip(std::size_t blocks) {
    size_ += blocks * block_bytes;
    done_ += blocks * block_bytes;
  }
  // All that is left of the piece.
  void update() {
    if (blocks_ == nullptr) {
      plain_->update(left());
      done_ += left().size();
      return;
    }
    const std::size_t whole = whole_blocks();
    blocks_->one(state_, left().data(), whole);
    skip(whole);
    keep(left());
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
  void keep(std::span<const std::uint8_t> bytes) {
    std::copy(bytes.begin(), bytes.end(), partial_.begin() + static_cast<std::ptrdiff_t>(used_));
    used_ += bytes.size();
    size_ += bytes.size();
    done_ += bytes.size();
  }
  void fill_block() {
    if (blocks_ == nullptr || used_ == 0)
      return;
    keep(left().first(std::min(left().size(), block_bytes - used_)));
    if (used_ == block_bytes) {
      blocks_->one(state_, partial_.data(), 1);
      used_ = 0;
    }
  }

  const kernels::Sha256Blocks* blocks_;
  std::optional<base::Sha256> plain_ = {};  // where there are no blocks
  Piece piece_ = {};                        // in turn
  kernels::Sha256State state_ = kernels::sha256_start;
  std::array<std::uint8_t, block_bytes> partial_{};
  std::size_t used_ = 0;     // of it
  std::uint64_t size_ = 0;   // of the message so far
  std::size_t done_ = 0;     // of the piece in turn
};

DigestPool::DigestPool(const kernels::Sha256Blocks* blocks) : blocks_(blocks) {}
DigestPool::~DigestPool() = default;

DigestPool::Stream* DigestPool::add() {
  return streams_.emplace_back(std::make_unique<Stream>(blocks_)).get();
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
                    [](const Stream* a, const Stream* b) { return a->left().size() > b->left().size(); });
  Pair pair{};
  std::copy_n(ready_.begin(), count, pair.begin());
  ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(count));
  return pair;
}

void DigestPool::digest(const Pair& pair) const {
  const auto [first, second] = pair;
  if (second == nullptr)
    return first->update();
  const std::size_t first_blocks = first->whole_blocks(), second_blocks = second->whole_blocks();
  const std::size_t both = std::min(first_blocks, second_blocks);
  blocks_->two(first->state(), first->left().data(), second->state(), second->left().data(), both);
  first->skip(both);
  second->skip(both);
  // What is less than a block, or has no partner left.
  if (first_blocks <= second_blocks)
    first->update();
  if (second_blocks <= first_blocks)
    second->update();
}

void DigestPool::put_back(Stream* stream) {
  const bool is_done = stream->left().empty();
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
