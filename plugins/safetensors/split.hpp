// Splitting tensors over several files, and the names of those (formats/facts/safetensors.md#shards).
#pragma once

#include "header_text.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heirloom::safetensors {

// Fills one shard after the other in the order given; a tensor larger than `max_bytes` has a shard of its own. At
// least one shard, which is empty when there are no tensors.
std::vector<std::vector<Outgoing>> split(const std::vector<Outgoing>& tensors, std::uint64_t max_bytes);

// "model", 0, 3 -> "model-00001-of-00003.safetensors"
std::string shard_name(const std::string& stem, std::size_t index, std::size_t count);

}  // namespace heirloom::safetensors
