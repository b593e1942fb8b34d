// Reads distributed checkpoints of torch: a directory with `.metadata`, or a step directory of OLMo-core, which has one in
// model_and_optim/. Stateless; any thread.
#pragma once

#include "heirloom/plugin.hpp"

namespace heirloom::torch_dcp {

class DcpReader final : public Reader {
 public:
  Result<std::uint32_t> probe(std::uint32_t format, const Files& files) const override;
  Result<std::unique_ptr<OpenCheckpoint>> open(std::uint32_t format, const Files& files,
                                               const Options& options) const override;
};

}  // namespace heirloom::torch_dcp
