// PyTorch's data types, one row each, and what they are called here (formats/facts/pytorch.md#data-types).
#pragma once

#include "heirloom/encodings.hpp"
#include "plugins/common/pickle/tree.hpp"

#include <cstdint>
#include <string_view>

namespace heirloom::torch {

struct DType {
  std::string_view name;      // "float32", as in torch.float32
  std::string_view alias;     // "float", or ""
  std::string_view storage;   // class of its storages, "FloatStorage", or ""
  std::string_view encoding;  // id of a well-known encoding; "" when there is none for it
  std::uint32_t bytes = 0;    // of one element
  std::uint32_t numbers = 1;  // in one element: 2 of a complex one

  const WellKnownEncoding* geometry() const { return find_well_known_encoding(encoding); }
};

// By "float32" or "float"; by "FloatStorage". Null when there is none.
const DType* find_dtype(std::string_view name);
const DType* dtype_of_storage(std::string_view storage_class);
// The one that stands for a well-known encoding; null when none does.
const DType* dtype_of_encoding(std::string_view encoding);

// Of a node that is the global torch.float32; null otherwise.
const DType* dtype_of(const pickle::Tree& tree, pickle::Id id);

}  // namespace heirloom::torch
