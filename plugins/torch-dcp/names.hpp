// Names of a distributed checkpoint: what belongs to an optimizer, and which prefix may go. No state.
#pragma once

#include "metadata.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace heirloom::torch_dcp {

// Whether the first part of the name says that it is an optimizer's: "optim.state.layer.weight.exp_avg".
bool is_optimizer_state(std::string_view name);

// The prefix that `option` means for these tensors: "" none, "auto" the container "model.", "module." or "state_dict." that
// all of them are in but for those at the top, anything else itself. Where the metadata does not say what is a container, it
// is what all names with a dot begin with.
std::string prefix_of(std::string_view option, const std::vector<const TensorEntry*>& tensors);

}  // namespace heirloom::torch_dcp
