// The bytes of any view, element after element, as if it lay plain: gathered from the storage in boxes whose source spans a
// few megabytes at most. Thread-safe.
#pragma once

#include "heirloom/files.hpp"
#include "plugins/common/torch/tensor.hpp"

#include <functional>
#include <span>

namespace heirloom::torch {

// Fills `out` from byte `offset` of a storage.
using ReadStorage = std::function<Result<void>(std::uint64_t offset, std::span<std::uint8_t> out)>;

// Fills `out` from byte `offset` of the view's plain bytes; swaps the bytes of every number when `swap` is set.
Result<void> read_view(const ReadStorage& read, const View& view, bool swap, std::uint64_t offset,
                       std::span<std::uint8_t> out);

}  // namespace heirloom::torch
