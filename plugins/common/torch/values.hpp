// Plain values as attributes: numbers, text, and lists of one kind of them.
#pragma once

#include "heirloom/nouns.hpp"
#include "plugins/common/pickle/tree.hpp"

#include <optional>
#include <string>

namespace heirloom::torch {

// The attribute of this key that holds a node's value; nothing when none can.
std::optional<Attr> value_of(const pickle::Tree& tree, pickle::Id id, const std::string& key);

// At least the bytes that this attribute takes; looks at the node's members once, and at those of a call's arguments.
std::uint64_t value_bytes(const pickle::Tree& tree, pickle::Id id);

// For warnings: "none", "a call of \"x.Y\"".
std::string describe_value(const pickle::Tree& tree, pickle::Id id);

}  // namespace heirloom::torch
