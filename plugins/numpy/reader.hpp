// Reads .npy files and .npz archives. Format 0 is npy, format 1 npz (manifest.json). Stateless and constant.
#pragma once

#include "heirloom/plugin.hpp"

namespace heirloom::numpy {

inline constexpr std::uint32_t npy_format = 0, npz_format = 1;

class NumpyReader final : public Reader {
 public:
  Result<std::uint32_t> probe(std::uint32_t format, const Files& files) const override;
  Result<std::unique_ptr<OpenCheckpoint>> open(std::uint32_t format, const Files& files,
                                               const Options& options) const override;
};

}  // namespace heirloom::numpy
