// Which item of which file holds each chunk and value: the `storage_data` of `.metadata`, a dict from MetadataIndex to
// _StorageInfo (formats/facts/torch-dcp.md#storage).
#pragma once

#include "metadata.hpp"
#include "plugins/common/pickle/tree.hpp"

#include <span>

namespace heirloom::torch_dcp {

// "[2, 3]".
std::string text_of(std::span<const std::uint64_t> numbers);

// Gives every chunk and value of the metadata its item, and fills in the files. Errors name the byte of `.metadata`.
Result<void> assign_items(const pickle::Tree& tree, pickle::Id storage_data, const Files& files, Metadata& metadata);

}  // namespace heirloom::torch_dcp
