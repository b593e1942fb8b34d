#include "split.hpp"

#include <utility>

namespace heirloom::safetensors {

// A tensor with a shard of its own does not close the shard that is being filled, as in the reference library.
std::vector<std::vector<Outgoing>> split(const std::vector<Outgoing>& tensors, std::uint64_t max_bytes) {
  std::vector<std::vector<Outgoing>> shards;
  std::vector<Outgoing> open;
  std::uint64_t open_bytes = 0;
  for (const Outgoing& tensor : tensors) {
    if (tensor.size_bytes > max_bytes) {
      shards.push_back({tensor});
      continue;
    }
    if (tensor.size_bytes > max_bytes - open_bytes) {
      shards.push_back(std::exchange(open, {}));
      open_bytes = 0;
    }
    open.push_back(tensor);
    open_bytes += tensor.size_bytes;
  }
  if (!open.empty() || shards.empty())
    shards.push_back(std::move(open));
  return shards;
}

}  // namespace heirloom::safetensors
