// A saved object as a list: its tensors by their dotted names, its plain values as attributes, the rest told in warnings
// (formats/facts/pytorch.md#names). No recursion; bounds on depth, on steps and on the bytes of all names together, so that an
// object that holds itself, or holds another a million times, ends in an error.
#pragma once

#include "heirloom/nouns.hpp"
#include "plugins/common/pickle/tree.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heirloom::torch {

struct Found {
  std::string name;              // "state_dict.layer.0.weight"
  std::size_t container_bytes = 0;  // of the name: the containers that hold the dict with the tensor, "state_dict."
  pickle::Id id = pickle::no_id;
  bool is_optimizer = false;     // belongs to an optimizer's state
};

struct Listing {
  std::vector<Found> tensors;
  std::vector<Attr> attrs;
  std::vector<std::string> warnings;
};

struct WalkOptions {
  bool optimizer_state = false;  // optimizers' plain values become attributes too
  std::string root_name = "tensor";  // of a tensor that is the saved object itself
  std::string prefix = {};       // in front of every name
  bool persistent_tensors = false;   // a persistent object is a tensor, as in the tar format
};

Result<Listing> walk(const pickle::Tree& tree, const WalkOptions& options);

}  // namespace heirloom::torch
