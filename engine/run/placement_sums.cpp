#include "engine/run/placement_sums.hpp"

#include "engine/base/crc32.hpp"

namespace heirloom::run {

PlacementSums::PlacementSums(const Layout& layout, const Work& work) : work_(work) {
  if (layout.checksum.empty())
    return;
  pieces_.resize(work.pieces.size());
  tensors_.resize(work.producers.size());
}

void PlacementSums::add(std::size_t piece, std::span<const std::uint8_t> bytes) {
  if (!pieces_.empty())
    pieces_[piece] = {bytes.size(), base::crc32(bytes)};
}

void PlacementSums::add_literal(std::uint32_t tensor, std::span<const std::uint8_t> bytes) {
  if (!tensors_.empty())
    tensors_[tensor] = {bytes.size(), base::crc32(bytes)};
}

// The pieces of a tensor stand in its order.
std::vector<std::uint64_t> PlacementSums::of_placements(const Layout& layout) const {
  std::vector<Sum> sums = tensors_;
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    Sum& sum = sums[work_.pieces[i].tensor];
    sum = {sum.size + pieces_[i].size, base::crc32_combine(sum.crc, pieces_[i].crc, pieces_[i].size)};
  }
  std::vector<std::uint64_t> all;
  for (const Placement& placement : layout.placements)
    all.push_back(sums[placement.tensor].crc);
  return all;
}

}  // namespace heirloom::run
