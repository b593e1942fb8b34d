// Lays a checkpoint out as safetensors, in shards where it is larger than one file may be. Stateless; any thread.
#pragma once

#include "heirloom/plugin.hpp"

namespace heirloom::safetensors {

class SafetensorsWriter final : public Writer {
 public:
  // Options: "max_shard_size" (bytes of tensors in one file, 0 for no limit), "target_name" (name of the one file;
  // shards and index are named after it).
  Result<Layout> plan(std::uint32_t format, const Checkpoint& checkpoint, const Options& options) const override;
};

}  // namespace heirloom::safetensors
