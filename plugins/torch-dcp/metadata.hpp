// What `.metadata` says: which tensors there are, which boxes they are cut into, and where each box lies
// (formats/facts/torch-dcp.md#metadata). Classes are known by their names and fields, not by their modules. Values own their
// memory.
#pragma once

#include "heirloom/files.hpp"
#include "heirloom/nouns.hpp"
#include "plugins/common/torch/dtypes.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace heirloom::torch_dcp {

inline constexpr std::string_view metadata_name = ".metadata";
inline constexpr std::uint64_t max_metadata_bytes = 1u << 30;

// A run of bytes of a file: an archive of torch.save with one chunk or value.
struct Item {
  std::uint32_t file = 0;  // index of Metadata::files
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t position = 0;  // byte of `.metadata` that says so
};

// A box of a tensor.
struct Chunk {
  std::vector<std::uint64_t> offsets;
  std::vector<std::uint64_t> sizes;
  std::uint64_t position = 0;  // byte of `.metadata`
  std::optional<Item> item = {};

  std::uint64_t elements() const;
};

struct TensorEntry {
  std::string name;
  const torch::DType* dtype = nullptr;  // with a well-known encoding
  std::vector<std::uint64_t> shape;
  std::vector<Chunk> chunks;
  std::uint64_t position = 0;  // byte of `.metadata`
  // The dict of the saved state that holds it, "model." of {"model": {...}}; "" at the top. Nothing when planner_data does
  // not say.
  std::optional<std::string> container = {};
};

// A value that is no tensor.
struct ValueEntry {
  std::string name;
  std::uint64_t position = 0;
  std::optional<Item> item = {};
};

struct Metadata {
  std::string folder;              // in front of the names of all files, "" or ending in "/"
  std::vector<std::string> files;  // with the folder, in the order of their first item
  std::vector<TensorEntry> tensors;
  std::vector<ValueEntry> values;
  std::string version;             // of the format, "" when it says none
  std::string checkpoint_id;       // where it was written to, "" when it says none
  std::vector<Finding> findings;
  std::vector<std::string> warnings;

  std::string path() const { return folder + std::string(metadata_name); }
};

// Reads `folder`'s `.metadata`. Every tensor's chunks lie inside of it and have their items, which lie inside of their files
// and do not overlap; whether the chunks fill the tensor is not checked.
Result<Metadata> read_metadata(const Files& files, const std::string& folder);

}  // namespace heirloom::torch_dcp
