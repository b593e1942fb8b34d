// Writes zip checkpoints that torch.load(weights_only=True) reads: one file, or shards with an index as transformers names
// them. Stateless and constant.
#pragma once

#include "heirloom/plugin.hpp"

namespace heirloom::pytorch {

class PytorchWriter final : public Writer {
 public:
  Result<Layout> plan(std::uint32_t format, const Checkpoint& checkpoint, const Options& options) const override;
  Result<std::vector<Literal>> finish(std::uint32_t format, const Checkpoint& checkpoint, const Options& options,
                                      const Layout& layout, std::span<const std::uint64_t> checksums) const override;
};

}  // namespace heirloom::pytorch
