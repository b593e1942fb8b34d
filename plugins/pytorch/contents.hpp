// What one file of PyTorch's holds, whichever container it is: the tensors by name and where their bytes lie, values,
// findings. Values own their memory; `read_contents` is thread-safe.
#pragma once

#include "heirloom/files.hpp"
#include "heirloom/nouns.hpp"
#include "plugins/common/torch/tensor.hpp"
#include "plugins/common/torch/walk.hpp"

#include <functional>
#include <string>
#include <vector>

namespace heirloom::pytorch {

// The containers, by what is in the file (formats/facts/pytorch.md#containers).
enum class Container : std::uint8_t {
  none,
  zip,          // torch.save since 1.6, and TorchScript
  legacy,       // torch.save from 0.1.10 to 1.5
  tar,          // before
  bare_pickle,  // a pickle with nothing of PyTorch around it
};

// Looks at a few kilobytes, in an odd zip at its directory. `bare_pickle` is a guess: its first byte may begin one.
Result<Container> find_container(const Files& files, const std::string& file);

struct Item {
  std::string name;
  std::size_t container_bytes = 0;  // see torch::Found
  torch::Described described;       // View::storage is an index into Contents::storages
  bool is_optimizer = false;
};

struct Contents {
  std::string version;
  bool is_big_endian = false;
  std::vector<torch::Storage> storages;
  std::vector<Item> items;
  std::vector<Attr> attrs;
  std::vector<std::string> warnings;
  std::vector<Finding> findings;
};

struct ReadOptions {
  std::string strip_prefix;
  bool optimizer_state = false;
};

Result<Contents> read_contents(const Files& files, const std::string& file, const ReadOptions& options);

// The containers, one file each.
Result<Contents> read_zip(const Files& files, const std::string& file, const ReadOptions& options);
Result<Contents> read_legacy(const Files& files, const std::string& file, const ReadOptions& options);
Result<Contents> read_tar(const Files& files, const std::string& file, const ReadOptions& options);
Result<Contents> read_bare_pickle(const Files& files, const std::string& file);

// Adds what a saved object holds; `describe` makes the tensors that the walk finds.
using Describe = std::function<Result<torch::Described>(pickle::Id)>;
Result<void> add_object(Contents& contents, const pickle::Tree& tree, const torch::WalkOptions& options,
                        const Describe& describe);

}  // namespace heirloom::pytorch
