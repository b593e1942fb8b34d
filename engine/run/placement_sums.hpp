// PlacementSums: the CRC-32 of every placement of a layout that wants them, from pieces that are finished in any order. Each
// piece is summed by whoever made it; no bytes are kept or read again.
#pragma once

#include "engine/run/pieces.hpp"
#include "heirloom/nouns.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace heirloom::run {

class PlacementSums {
 public:
  // Idle when the layout names no checksum. `work` outlives the object.
  PlacementSums(const Layout& layout, const Work& work);

  // Bytes of piece number `piece` of the work. Different pieces from different threads.
  void add(std::size_t piece, std::span<const std::uint8_t> bytes);
  // All bytes of a tensor that is no work.
  void add_literal(std::uint32_t tensor, std::span<const std::uint8_t> bytes);

  // After all were added; parallel to the layout's placements.
  std::vector<std::uint64_t> of_placements(const Layout& layout) const;

 private:
  struct Sum {
    std::uint64_t size = 0;
    std::uint32_t crc = 0;
  };
  const Work& work_;
  std::vector<Sum> pieces_;   // parallel to the work's pieces; empty when idle
  std::vector<Sum> tensors_;  // of literals
};

}  // namespace heirloom::run
