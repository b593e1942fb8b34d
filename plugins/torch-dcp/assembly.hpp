// A tensor put together from its chunks: any run of its bytes, in memory that depends on neither the tensor's size nor the
// number of ranks. Constant once made; any thread.
#pragma once

#include "chunks.hpp"

#include <span>
#include <vector>

namespace heirloom::torch_dcp {

class Assembly {
 public:
  // Pieces fill the tensor exactly (check_tiling), and all have its byte order. Borrows the entry.
  Assembly(const TensorEntry& entry, std::vector<Piece> pieces);

  // Each piece is one run of the tensor, so that the tensor is one after another, in the order of pieces().
  bool is_in_order() const;
  const std::vector<Piece>& pieces() const { return pieces_; }

  // Fills `out` from byte `offset` of the tensor. Reads from each piece that the range touches just what is needed.
  Result<void> read(const Files& files, const Metadata& metadata, std::uint64_t offset,
                    std::span<std::uint8_t> out) const;

 private:
  Result<void> read_from(const Files& files, const Metadata& metadata, std::size_t piece, std::uint64_t offset,
                         std::span<std::uint8_t> out) const;

  const TensorEntry* entry_;
  std::vector<Piece> pieces_;          // by their first element
  std::vector<std::uint64_t> firsts_;  // elements of the tensor, one per piece
  std::vector<std::uint64_t> ends_;    // the largest end of this piece and all before it
};

}  // namespace heirloom::torch_dcp
