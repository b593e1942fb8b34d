// Writes .npy files of one array and .npz archives, to the bytes that NumPy itself writes. Stateless and constant.
#pragma once

#include "heirloom/plugin.hpp"

namespace heirloom::numpy {

class NumpyWriter final : public Writer {
 public:
  Result<Layout> plan(std::uint32_t format, const Checkpoint& checkpoint, const Options& options) const override;
  Result<std::vector<Literal>> finish(std::uint32_t format, const Checkpoint& checkpoint, const Options& options,
                                      const Layout& layout, std::span<const std::uint64_t> checksums) const override;
};

}  // namespace heirloom::numpy
