#include "plugins/common/torch/children.hpp"

#include <algorithm>
#include <string>
#include <unordered_set>

namespace heirloom::torch {
namespace {

using pickle::Global;
using pickle::Id;
using pickle::Kind;
using pickle::Tree;

// The members of torch.nn.Module that hold its parameters, buffers and submodules: their names are left out, as a
// state_dict does.
constexpr std::string_view module_parts[] = {"_parameters", "_buffers", "_modules"};

class Children {
 public:
  explicit Children(const Tree& tree) : tree_(tree) {}

  Result<std::vector<Child>> of(Id id) && {
    switch (tree_.kind(id)) {
      case Kind::dict: HEIRLOOM_CHECK(add_pairs(tree_.items(id))); break;
      case Kind::call: HEIRLOOM_CHECK(add_object(id)); break;
      default: add_items(tree_.items(id)); break;
    }
    return std::move(children_);
  }

 private:
  void add_items(std::span<const Id> items) {
    for (const Id item : items)
      children_.push_back({pickle::no_id, next_index_++, true, {}, item});
  }

  void add_nameless(Id id) { children_.push_back({pickle::no_id, 0, false, {}, id}); }

  // Keys that are neither text nor integers are named by their place.
  Result<void> add_pairs(std::span<const Id> pairs) {
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
      const Id key = pairs[i];
      const auto text = tree_.text(key);
      if (!text && !tree_.integer(key)) {
        children_.push_back({pickle::no_id, static_cast<std::uint32_t>(i / 2), true, {}, pairs[i + 1]});
        continue;
      }
      if (text && !keys_.insert(*text).second)
        return fail(Code::malformed, "a dict of the saved object sets the key \"" + std::string(*text) + "\" twice",
                    tree_.position(key));
      children_.push_back({key, 0, false, {}, pairs[i + 1]});
    }
    return {};
  }

  // OrderedDict of Python 2: called with a list of pairs.
  Result<void> add_pair_lists(std::span<const Id> lists) {
    std::vector<Id> pairs;
    for (const Id list : lists) {
      const auto pair = tree_.items(list);
      if (pair.size() != 2)
        return fail(Code::malformed, "an OrderedDict is made from something else than pairs", tree_.position(list));
      pairs.insert(pairs.end(), pair.begin(), pair.end());
    }
    return add_pairs(pairs);
  }

  Result<void> add_object(Id id) {
    const Global* callee = tree_.callee(id);
    const auto arguments = tree_.items(tree_.call(id)->arguments);
    if (callee != nullptr && callee->module == "collections" && callee->name == "OrderedDict") {
      for (const Id argument : arguments)
        HEIRLOOM_CHECK(add_pair_lists(tree_.items(argument)));
      return add_pairs(tree_.set_items(id));  // its state holds the versions of modules, which is no weight
    }
    if (callee != nullptr && callee->module == "torch.jit._pickle") {  // a list, and the name of its type
      if (!arguments.empty())
        add_nameless(arguments[0]);
      return {};
    }
    add_items(arguments);
    add_items(tree_.items(id));
    HEIRLOOM_CHECK(add_pairs(tree_.set_items(id)));
    return add_state(tree_.call(id)->state);
  }

  Result<void> add_state(Id state) {
    if (state == pickle::no_id)
      return {};
    if (tree_.kind(state) != Kind::dict) {
      add_nameless(state);
      return {};
    }
    if (tree_.find(state, "_parameters") == pickle::no_id)
      return add_pairs(tree_.items(state));
    std::vector<Id> plain;
    const auto pairs = tree_.items(state);
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
      const std::string_view key = tree_.text(pairs[i]).value_or(std::string_view());
      if (std::find(std::begin(module_parts), std::end(module_parts), key) != std::end(module_parts))
        add_nameless(pairs[i + 1]);
      else if (!key.starts_with('_'))
        plain.insert(plain.end(), {pairs[i], pairs[i + 1]});
    }
    return add_pairs(plain);
  }

  const Tree& tree_;
  std::vector<Child> children_;
  std::unordered_set<std::string_view> keys_;
  std::uint32_t next_index_ = 0;
};

}  // namespace

bool has_children(const Tree& tree, Id id) {
  if (!tree.items(id).empty() || !tree.set_items(id).empty())
    return true;
  const pickle::Call* call = tree.call(id);
  return call != nullptr && (call->state != pickle::no_id || !tree.items(call->arguments).empty());
}

Result<std::vector<Child>> children_of(const Tree& tree, Id id) { return Children(tree).of(id); }

}  // namespace heirloom::torch
