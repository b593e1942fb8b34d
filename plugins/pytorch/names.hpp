// What is cut off the front of tensor names by the option strip_prefix (formats/facts/pytorch.md#names).
#pragma once

#include "heirloom/result.hpp"
#include "plugins/pytorch/contents.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace heirloom::pytorch {

// The prefix that `option` means for these tensors: itself, or for "auto" the wrappers that all of them are in: dicts such
// as "state_dict", and what DistributedDataParallel and torch.compile put in front of names. An error when no name begins
// with a literal one.
Result<std::string> prefix_to_strip(std::string_view option, const std::vector<const Item*>& items);

}  // namespace heirloom::pytorch
