// Splitting tensors over several files (formats/facts/safetensors.md#shards).
#pragma once

#include "header_text.hpp"

#include <cstdint>
#include <vector>

namespace heirloom::safetensors {

// Fills one shard after the other in the order given; a tensor larger than `max_bytes` has a shard of its own. At
// least one shard, which is empty when there are no tensors.
std::vector<std::vector<Outgoing>> split(const std::vector<Outgoing>& tensors, std::uint64_t max_bytes);

}  // namespace heirloom::safetensors
