#include "plugins/common/pickle/tree.hpp"

#include <array>
#include <bit>

namespace heirloom::pickle {

std::string_view name_of(Kind kind) {
  static constexpr std::array<std::string_view, 13> names = {
      "none", "a boolean", "an integer", "a long integer", "a real number", "text", "bytes", "a tuple",
      "a list", "a dict", "a set", "a global", "a call"};
  return kind == Kind::persistent ? "a persistent object" : names[static_cast<std::size_t>(kind)];
}

std::optional<bool> Tree::boolean(Id id) const {
  return kind(id) == Kind::boolean ? std::optional(nodes_[id].value != 0) : std::nullopt;
}

std::optional<std::int64_t> Tree::integer(Id id) const {
  if (kind(id) != Kind::integer && kind(id) != Kind::boolean)
    return std::nullopt;
  return static_cast<std::int64_t>(nodes_[id].value);
}

std::optional<double> Tree::real(Id id) const {
  if (const auto whole = integer(id))
    return static_cast<double>(*whole);
  return kind(id) == Kind::real ? std::optional(std::bit_cast<double>(nodes_[id].value)) : std::nullopt;
}

std::optional<std::string_view> Tree::text(Id id) const {
  if (kind(id) != Kind::text)
    return std::nullopt;
  return std::string_view(text_).substr(nodes_[id].value, nodes_[id].size);
}

std::optional<std::span<const std::uint8_t>> Tree::bytes(Id id) const {
  if (kind(id) != Kind::bytes && kind(id) != Kind::long_integer)
    return std::nullopt;
  const auto* first = reinterpret_cast<const std::uint8_t*>(text_.data()) + nodes_[id].value;
  return std::span<const std::uint8_t>(first, nodes_[id].size);
}

std::span<const Id> Tree::items(Id id) const {
  switch (kind(id)) {
    case Kind::tuple: case Kind::list: case Kind::dict: case Kind::set: return members(runs_[nodes_[id].value]);
    case Kind::call: return members(calls_[nodes_[id].value].appended);
    default: return {};
  }
}

std::span<const Id> Tree::set_items(Id id) const {
  return kind(id) == Kind::call ? members(calls_[nodes_[id].value].set) : std::span<const Id>();
}

Id Tree::find(Id id, std::string_view key) const {
  const std::span<const Id> pairs = kind(id) == Kind::dict ? items(id) : set_items(id);
  for (std::size_t i = pairs.size(); i >= 2; i -= 2)
    if (text(pairs[i - 2]) == key)
      return pairs[i - 1];
  return no_id;
}

Id Tree::attribute(Id id, std::string_view name) const {
  const Call* made = call(id);
  if (made == nullptr || made->state == no_id)
    return no_id;
  if (kind(made->state) == Kind::dict)
    return find(made->state, name);
  if (kind(made->state) != Kind::tuple || items(made->state).size() != 2)
    return no_id;
  for (const Id part : items(made->state))  // (__dict__, slots)
    if (const Id found = kind(part) == Kind::dict ? find(part, name) : no_id; found != no_id)
      return found;
  return no_id;
}

const Call* Tree::call(Id id) const { return kind(id) == Kind::call ? &calls_[nodes_[id].value].call : nullptr; }

const Global* Tree::global(Id id) const { return kind(id) == Kind::global ? &globals_[nodes_[id].value] : nullptr; }

const Global* Tree::callee(Id id) const {
  const Call* made = call(id);
  return made == nullptr ? nullptr : global(made->callee);
}

bool Tree::is_call_of(Id id, std::string_view dotted) const {
  const Global* called = callee(id);
  return called != nullptr && dotted.size() == called->module.size() + 1 + called->name.size() &&
         dotted.starts_with(called->module) && dotted[called->module.size()] == '.' && dotted.ends_with(called->name);
}

std::string_view Tree::class_of(Id id) const {
  const Global* called = callee(id);
  if (called == nullptr)
    return {};
  const std::string_view name = called->name;
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

Id Tree::persistent_id(Id id) const {
  return kind(id) == Kind::persistent ? static_cast<Id>(nodes_[id].value) : no_id;
}

}  // namespace heirloom::pickle
