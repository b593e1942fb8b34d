// Lays GGUF files out: version 3, little endian, in the order given; one file, or shards of at most max_shard_size
// bytes of tensors. A description that was read from such a file gives the same bytes. Stateless; any thread.
#pragma once

#include "heirloom/plugin.hpp"

namespace heirloom::gguf {

class GgufWriter final : public Writer {
 public:
  Result<Layout> plan(std::uint32_t format, const Checkpoint& checkpoint, const Options& options) const override;
};

}  // namespace heirloom::gguf
