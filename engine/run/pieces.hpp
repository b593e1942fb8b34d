// Pieces: the flat list of independent work items of a plan, and the size they may have within a memory budget.
#pragma once

#include "engine/run/producer.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace heirloom::run {

struct Piece {
  std::uint32_t tensor = 0;
  std::uint64_t index = 0;  // within its tensor
  std::uint64_t first = 0;  // element
  std::uint64_t count = 0;  // elements
};

struct Work {
  std::vector<std::optional<Producer>> producers;  // per tensor; none for literals
  std::vector<Piece> pieces;  // as they are begun: several tensors take turns, each in its own order
  std::uint64_t output_bytes = 0;
};

// Elements of the largest good piece (Producer::good_piece_elements) whose buffers fit `limit_bytes`. Limit when not even the
// smallest does.
Result<std::uint64_t> fitting_piece(const Producer& producer, std::uint64_t usual, std::uint64_t limit_bytes, const std::string& tensor);

// Cuts a plan's tensors into pieces of which `slots` at a time fit `memory_bytes`. Limit when not even the smallest do.
Result<Work> make_work(const plan::Plan& plan, const model::Source& source, const kernels::Kernels& kernels,
                       std::size_t slots, std::uint64_t memory_bytes, bool is_measured);

}  // namespace heirloom::run
