// Reads safetensors: one file, an index with its shards, or a directory with either. Stateless; any thread.
#pragma once

#include "heirloom/plugin.hpp"

namespace heirloom::safetensors {

class SafetensorsReader final : public Reader {
 public:
  Result<std::uint32_t> probe(std::uint32_t format, const Files& files) const override;
  Result<Checkpoint> read(std::uint32_t format, const Files& files, const Options& options) const override;
};

}  // namespace heirloom::safetensors
