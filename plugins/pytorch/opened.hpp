// An open checkpoint of PyTorch's: the description, and for tensors whose bytes do not lie plain the view of their storage.
// Constant: any thread.
#pragma once

#include "heirloom/plugin.hpp"
#include "plugins/common/torch/strided.hpp"
#include "plugins/common/zip/content.hpp"
#include "plugins/pytorch/contents.hpp"
#include "plugins/pytorch/sources.hpp"

#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

namespace heirloom::pytorch {

class Opened final : public OpenCheckpoint {
 public:
  // `contents` are of the sources' files, in their order.
  static Result<std::unique_ptr<OpenCheckpoint>> make(const Files& files, const Sources& sources,
                                                      std::vector<Contents> contents, const ReadOptions& options);

  const Checkpoint& description() const override { return checkpoint_; }
  Result<void> decode(std::uint32_t tensor, std::uint64_t offset, std::span<std::uint8_t> out) const override;

 private:
  friend class Merger;

  // How to come to the bytes of a tensor that is `decoded`.
  struct Decoding {
    torch::View view;
    torch::Storage storage;
    std::shared_ptr<const zip::Content> inflated;  // shared by the tensors of one deflated storage; null for others
    bool swap = false;
  };

  explicit Opened(const Files& files) : files_(files) {}

  Files files_;
  Checkpoint checkpoint_;
  std::unordered_map<std::uint32_t, Decoding> decodings_;  // by the tensor's number
};

}  // namespace heirloom::pytorch
