// The pickle of a state_dict: an OrderedDict of tensors, each with a storage of its own, as torch.save of PyTorch 1.13
// writes it (formats/facts/pytorch.md#zip). Tensors are borrowed.
#pragma once

#include "heirloom/nouns.hpp"
#include "plugins/common/torch/dtypes.hpp"

#include <cstdint>
#include <vector>

namespace heirloom::pytorch {

struct Saved {
  std::uint32_t tensor = 0;  // index in the checkpoint
  const Tensor* description = nullptr;
  const torch::DType* dtype = nullptr;  // has a storage class
  std::uint64_t size_bytes = 0;
};

// Storage number i is that of tensors[i].
std::vector<std::uint8_t> state_dict(const std::vector<Saved>& tensors);

}  // namespace heirloom::pytorch
