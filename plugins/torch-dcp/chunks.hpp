// One chunk of a tensor: an archive of torch.save that holds the box's elements. Where its bytes lie is known once it has
// been opened; none of them are read. Values own their memory, but for the chunk.
#pragma once

#include "boxes.hpp"
#include "metadata.hpp"
#include "plugins/common/torch/tensor.hpp"

#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace heirloom::torch_dcp {

struct Piece {
  const Chunk* chunk = nullptr;         // borrowed from the Metadata
  std::uint64_t offset = 0;             // byte of the item's file where the elements begin, or the storage of `view`
  std::unique_ptr<torch::View> view;    // when the elements do not lie one after another
  bool is_big_endian = false;
  std::uint64_t storage_offset = 0;     // of the whole storage, for its checksum
  std::uint64_t storage_size = 0;
  std::optional<std::uint32_t> crc32;

  Box box() const { return {chunk->offsets, chunk->sizes}; }
};

// Opens the chunk's archive, and checks that it holds a tensor of the entry's data type and the chunk's size. What is
// suspicious in it is added to `findings`.
Result<Piece> open_chunk(const Files& files, const Metadata& metadata, const TensorEntry& entry, const Chunk& chunk,
                         std::vector<Finding>& findings);

// Fills `out` from byte `offset` of the piece's elements.
Result<void> read_piece(const Files& files, const std::string& file, const Piece& piece, std::uint64_t offset,
                        std::span<std::uint8_t> out);

}  // namespace heirloom::torch_dcp
