#include "assembly.hpp"

#include "heirloom/checked.hpp"

#include <algorithm>
#include <cstring>

namespace heirloom::torch_dcp {
namespace {

constexpr std::uint64_t scratch_bytes = 1u << 18;

}  // namespace

Assembly::Assembly(const TensorEntry& entry, std::vector<Piece> pieces) : entry_(&entry), pieces_(std::move(pieces)) {
  const auto first = [&](const Piece& piece) { return first_element(entry.shape, piece.box()); };
  std::ranges::sort(pieces_, {}, first);
  std::uint64_t end = 0;
  for (const Piece& piece : pieces_) {
    firsts_.push_back(first(piece));
    end = std::max(end, end_element(entry.shape, piece.box()));
    ends_.push_back(end);
  }
}

bool Assembly::is_in_order() const {
  for (std::size_t i = 0; i < pieces_.size(); ++i)
    if (end_element(entry_->shape, pieces_[i].box()) - firsts_[i] != pieces_[i].chunk->elements())
      return false;
  return true;
}

Result<void> Assembly::read(const Files& files, const Metadata& metadata, std::uint64_t offset,
                            std::span<std::uint8_t> out) const {
  const std::uint64_t width = entry_->dtype->bytes;
  HEIRLOOM_TRY(const std::uint64_t size, checked::tensor_bytes(entry_->shape, 1, entry_->dtype->bytes));
  if (offset > size || out.size() > size - offset)
    return fail(Code::misuse, "a read of " + std::to_string(out.size()) + " bytes from byte " + std::to_string(offset) +
                                  " goes past the end of the tensor, which has " + std::to_string(size));
  if (out.empty())
    return {};
  const std::uint64_t begin = offset / width, end = (offset + out.size() + width - 1) / width;
  const auto behind = std::ranges::lower_bound(firsts_, end) - firsts_.begin();
  for (auto i = static_cast<std::size_t>(behind); i-- > 0 && ends_[i] > begin;)
    HEIRLOOM_CHECK(read_from(files, metadata, i, offset, out));
  return {};
}

// Bytes of a piece that belong into `out`, which begins at byte `offset` of the tensor, are one run of the piece.
Result<void> Assembly::read_from(const Files& files, const Metadata& metadata, std::size_t number, std::uint64_t offset,
                                 std::span<std::uint8_t> out) const {
  const Piece& piece = pieces_[number];
  const std::string& file = metadata.files[piece.chunk->item->file];
  const std::uint64_t width = entry_->dtype->bytes, stop = offset + out.size();
  const Runs runs(entry_->shape, piece.box());
  const std::uint64_t run_bytes = runs.length() * width;
  // Bytes of the piece before byte `at` of the tensor.
  const auto before = [&](std::uint64_t at) {
    const std::uint64_t rank = rank_in_box(entry_->shape, piece.box(), at / width);
    const bool is_inside = rank < piece.chunk->elements() && runs.place(rank) == at / width;
    return rank * width + (is_inside ? at % width : 0);
  };
  const std::uint64_t last = before(stop);
  std::vector<std::uint8_t> scratch;
  for (std::uint64_t at = before(offset); at < last;) {
    // Of a long run, straight to its place; of short ones, several at once.
    const std::uint64_t in_run = std::min(last - at, run_bytes - at % run_bytes);
    const auto place = [&](std::uint64_t byte) { return runs.place(byte / width) * width + byte % width - offset; };
    if (in_run >= scratch_bytes / 4 || in_run == last - at) {
      HEIRLOOM_CHECK(read_piece(files, file, piece, at, out.subspan(place(at), in_run)));
      at += in_run;
      continue;
    }
    scratch.resize(std::min(last - at, scratch_bytes));
    HEIRLOOM_CHECK(read_piece(files, file, piece, at, scratch));
    for (std::uint64_t done = 0; done < scratch.size();) {
      const std::uint64_t count = std::min(scratch.size() - done, run_bytes - (at + done) % run_bytes);
      std::memcpy(out.data() + place(at + done), scratch.data() + done, count);
      done += count;
    }
    at += scratch.size();
  }
  return {};
}

}  // namespace heirloom::torch_dcp
