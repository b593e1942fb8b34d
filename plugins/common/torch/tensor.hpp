// From a node of a pickle's tree to a tensor: the calls that PyTorch writes (_rebuild_tensor_v2 and its like) are read, sizes
// and strides are checked against the storage, and nothing is called (formats/facts/pytorch.md#tensors). What is a tensor but
// cannot be given (quantized, sparse, without data) comes with the reason instead of a view.
#pragma once

#include "plugins/common/torch/dtypes.hpp"
#include "plugins/common/torch/storage.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace heirloom::torch {

inline constexpr std::size_t max_dimensions = 64;

// A tensor as a view of a storage; all of it lies inside.
struct View {
  const DType* dtype = nullptr;          // with a well-known encoding
  std::vector<std::uint64_t> shape;
  std::vector<std::uint64_t> strides;    // in elements, one per dimension
  std::uint64_t offset = 0;              // in elements of `dtype`
  std::uint32_t storage = 0;             // index in the Storages that it was read with

  std::uint64_t elements() const;
  std::uint64_t size_bytes() const { return elements() * dtype->bytes; }
  // Row after row without gaps: its bytes are one run of the storage.
  bool is_contiguous() const;
};

// An error unless all of the view lies in a storage of so many bytes, and it repeats its elements within reason.
Result<void> check_inside(const View& view, std::uint64_t storage_bytes);

struct Described {
  std::optional<View> view = {};
  std::string reason = {};                // why there is no view
  std::vector<std::uint64_t> shape = {};  // when there is no view, as far as it is known
  std::string_view encoding = {};
};

// Whether a node is a call that makes a tensor, or a Parameter around one.
bool is_tensor(const pickle::Tree& tree, pickle::Id id);

// The tensor that a node for which is_tensor() holds describes. Errors name the byte of the file.
Result<Described> describe_tensor(const pickle::Tree& tree, pickle::Id id, const Storages& storages);

// The integers of a tuple, a list or a torch.Size; an error when it is none, or one is negative.
Result<std::vector<std::uint64_t>> read_sizes(const pickle::Tree& tree, pickle::Id id);

// The id of a persistent node as PyTorch writes it: ('storage', class, key, location, elements[, view]).
struct StorageId {
  const DType* dtype = nullptr;  // null for an untyped storage, whose elements are bytes
  std::string key;
  std::uint64_t elements = 0;
  std::string_view location;
  std::uint64_t view_offset = 0;    // in elements: of the legacy format's views
  std::uint64_t root_elements = 0;  // of the storage that is viewed; `elements` where nothing is
};
Result<StorageId> read_storage_id(const pickle::Tree& tree, pickle::Id persistent);

}  // namespace heirloom::torch
