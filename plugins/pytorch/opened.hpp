// An open checkpoint of PyTorch's: the description, and for tensors whose bytes do not lie plain the view of their storage.
// Constant: any thread.
#pragma once

#include "heirloom/plugin.hpp"
#include "plugins/common/torch/strided.hpp"
#include "plugins/common/zip/content.hpp"
#include "plugins/pytorch/contents.hpp"
#include "plugins/pytorch/sources.hpp"

#include <memory>
#include <mutex>
#include <optional>
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

  // A storage that tensors are decoded from. The host checks the CRC-32 of bytes that it streams; here it is checked
  // once, before the first tensor, because views take bytes from all over it.
  struct Origin {
    torch::Storage storage;
    std::optional<zip::Content> inflated;  // of a deflated one, which checks itself
    mutable std::once_flag once;
    mutable Result<void> verified;

    Result<void> read(const Files& files, std::uint64_t offset, std::span<std::uint8_t> out) const;
    Result<void> verify(const Files& files) const;
  };

  // How to come to the bytes of a tensor that is `decoded`.
  struct Decoding {
    torch::View view;
    std::shared_ptr<const Origin> origin;  // shared by the tensors of one storage
    bool swap = false;
  };

  explicit Opened(const Files& files) : files_(files) {}

  Files files_;
  Checkpoint checkpoint_;
  std::unordered_map<std::uint32_t, Decoding> decodings_;  // by the tensor's number
};

}  // namespace heirloom::pytorch
