// What is inside a container: the values of dicts, lists and objects with the names under which the walk lists them.
#pragma once

#include "heirloom/result.hpp"
#include "plugins/common/pickle/tree.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace heirloom::torch {

// A value and its name: a key of the tree (text or an integer), an index, or none at all.
struct Child {
  pickle::Id key = pickle::no_id;
  std::uint32_t index = 0;
  bool has_index = false;
  std::string_view literal = {};
  pickle::Id value = pickle::no_id;

  bool is_nameless() const { return key == pickle::no_id && !has_index && literal.empty(); }
};

bool has_children(const pickle::Tree& tree, pickle::Id id);

// An error when a dict sets a key twice.
Result<std::vector<Child>> children_of(const pickle::Tree& tree, pickle::Id id);

}  // namespace heirloom::torch
