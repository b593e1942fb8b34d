// Describes GGUF models: one file, any file of a split set, or a directory with exactly one model.
// Stateless; any thread.
#pragma once

#include "heirloom/plugin.hpp"

namespace heirloom::gguf {

class GgufReader final : public Reader {
 public:
  Result<std::uint32_t> probe(std::uint32_t format, const Files& files) const override;
  Result<Checkpoint> read(std::uint32_t format, const Files& files, const Options& options) const override;
};

}  // namespace heirloom::gguf
