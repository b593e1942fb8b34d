// Reads what PyTorch writes: single files, sharded checkpoints, directories of model-parallel ranks. Stateless and constant.
#pragma once

#include "heirloom/plugin.hpp"

namespace heirloom::pytorch {

class PytorchReader final : public Reader {
 public:
  Result<std::uint32_t> probe(std::uint32_t format, const Files& files) const override;
  Result<std::unique_ptr<OpenCheckpoint>> open(std::uint32_t format, const Files& files,
                                               const Options& options) const override;
};

}  // namespace heirloom::pytorch
