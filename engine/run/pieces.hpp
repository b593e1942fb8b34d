// Pieces: the flat list of independent work items of a plan, and the size they may have within a memory budget.
#pragma once

#include "engine/run/producer.hpp"

#include <cstdint>
#include <optional>
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
  std::vector<Piece> pieces;
  std::uint64_t output_bytes = 0;
};

// Cuts a plan's tensors into pieces of which `slots` at a time fit `memory_bytes`. Limit when not even the smallest do.
Result<Work> make_work(const plan::Plan& plan, const model::Source& source, const kernels::Kernels& kernels,
                       std::size_t slots, std::uint64_t memory_bytes, bool is_measured);

// Puts the pieces of two tensors at a time in turns, so that two digests go on at once (digest_pool.hpp). Those of one tensor
// keep their order, and those of tensors with a source in common stay one behind the other.
void pair_up(const plan::Plan& plan, std::vector<Piece>& pieces);

}  // namespace heirloom::run
