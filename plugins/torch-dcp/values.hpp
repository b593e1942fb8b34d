// Values that are no tensors: plain ones become attributes of their type, others a text like Python's own
// (formats/facts/torch-dcp.md#values). No state.
#pragma once

#include "metadata.hpp"
#include "plugins/common/pickle/tree.hpp"

#include <string>
#include <vector>

namespace heirloom::torch_dcp {

struct Values {
  std::vector<Attr> attrs;
  std::vector<LeftOut> left_out;  // tensors inside of values
  std::vector<std::string> warnings;
};

// Reads one value's item. A value that is not readable is left out with a warning: no tensor needs it.
void read_value(const Files& files, const Metadata& metadata, const ValueEntry& entry, Values& values,
                std::vector<Finding>& findings);

// The node as Python would print it, calls as they would be made; at most `max_bytes`, then "...".
std::string text_of(const pickle::Tree& tree, pickle::Id id, std::size_t max_bytes);

}  // namespace heirloom::torch_dcp
