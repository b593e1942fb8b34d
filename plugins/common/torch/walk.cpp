#include "plugins/common/torch/walk.hpp"

#include "plugins/common/torch/children.hpp"
#include "plugins/common/torch/tensor.hpp"
#include "plugins/common/torch/values.hpp"

#include <algorithm>
#include <optional>
#include <unordered_set>

namespace heirloom::torch {
namespace {

using pickle::Id;
using pickle::Kind;
using pickle::Tree;

constexpr std::size_t max_depth = 512;
constexpr std::uint64_t max_name_bytes = 65'535;
constexpr std::uint64_t free_steps = 1u << 16;
constexpr std::uint64_t free_bytes = 8u << 20;
constexpr std::size_t max_told = 8;  // values that a warning names

// Where optimizers' states are kept beside the weights.
constexpr std::string_view optimizer_keys[] = {"optimizer",        "optimizers",      "optim",
                                               "optimizer_state",  "optimizer_states", "optimizer_state_dict",
                                               "optim_state_dict", "last_optimizer_state"};

// An optimizer's state_dict, by what torch.optim puts into it.
bool is_optimizer_state(const Tree& tree, Id id) {
  const Id state = tree.find(id, "state"), groups = tree.find(id, "param_groups");
  return state != pickle::no_id && groups != pickle::no_id && tree.kind(groups) == Kind::list;
}

class Walk {
 public:
  Walk(const Tree& tree, const WalkOptions& options) : tree_(tree), options_(options), name_(options.prefix) {
    max_steps_ = free_steps + (tree.size() + tree.references()) * 4;
    max_bytes_ = free_bytes + tree.size() * std::uint64_t{256} + tree.references() * 32 + tree.text_bytes() * 2;
  }

  Result<Listing> run() && {
    HEIRLOOM_CHECK(visit_root());
    while (!frames_.empty()) {
      Frame& frame = frames_.back();
      if (frame.next == frame.children.size()) {
        frames_.pop_back();
        continue;
      }
      const Child child = frame.children[frame.next++];
      name_.resize(frame.name_bytes);
      HEIRLOOM_CHECK(visit(child, frame));
    }
    tell_rest();
    return std::move(listing_);
  }

 private:
  struct Frame {
    std::vector<Child> children;
    std::size_t next = 0;
    std::size_t name_bytes = 0;  // of name_: the container's own name, with the dot behind it
    bool is_optimizer = false;
  };

  Result<void> visit_root() {
    const Id root = tree_.root();
    if (is_listed(root) || !has_children(tree_, root)) {
      Frame around;
      around.name_bytes = name_.size();
      Child child;
      child.literal = options_.root_name;
      child.value = root;
      return visit(child, around);
    }
    return enter(root, is_optimizer_state(tree_, root));
  }

  Result<void> visit(const Child& child, const Frame& parent) {
    if (++steps_ > max_steps_)
      return fail(Code::limit, "the saved object holds the same values again and again, or itself: more than " +
                                   std::to_string(max_steps_) + " steps", tree_.position(child.value));
    const std::size_t container_bytes = name_.size();
    HEIRLOOM_CHECK(put_name(child));
    const bool is_optimizer = parent.is_optimizer || (frames_.size() == 1 && is_optimizer_key(child)) ||
                              is_optimizer_state(tree_, child.value);
    if (is_listed(child.value)) {
      HEIRLOOM_CHECK(count(0, 0));
      listing_.tensors.push_back({leaf_name(child), container_bytes - options_.prefix.size(), child.value, is_optimizer});
      return {};
    }
    HEIRLOOM_CHECK(count(tree_.items(child.value).size(), value_bytes(tree_, child.value)));
    if (auto attr = value_of(tree_, child.value, leaf_name(child))) {
      keep(std::move(*attr), is_optimizer);
      return {};
    }
    if (!has_children(tree_, child.value)) {
      leave_out(leaf_name(child), describe_value(tree_, child.value), is_optimizer);
      return {};
    }
    if (!child.is_nameless())
      name_ += '.';
    return enter(child.value, is_optimizer);
  }

  // A child without a name is called as what holds it: the list in a call of build_intlist.
  std::string leaf_name(const Child& child) const {
    if (!child.is_nameless())
      return name_;
    if (name_.size() <= options_.prefix.size())
      return name_ + options_.root_name;
    return name_.substr(0, name_.size() - 1);
  }

  bool is_listed(Id id) const {
    return is_tensor(tree_, id) || (options_.persistent_tensors && tree_.kind(id) == Kind::persistent);
  }

  Result<void> enter(Id id, bool is_optimizer) {
    if (frames_.size() >= max_depth)
      return fail(Code::limit, "the saved object is nested deeper than " + std::to_string(max_depth),
                  tree_.position(id));
    HEIRLOOM_TRY(auto children, children_of(tree_, id));
    steps_ += children.size();
    frames_.push_back({std::move(children), 0, name_.size(), is_optimizer});
    return {};
  }

  Result<void> put_name(const Child& child) {
    if (child.key == pickle::no_id)
      name_ += child.literal.empty() && child.has_index ? std::to_string(child.index) : std::string(child.literal);
    else if (const auto text = tree_.text(child.key))
      name_ += *text;
    else
      name_ += std::to_string(tree_.integer(child.key).value_or(0));
    if (name_.size() > max_name_bytes)
      return fail(Code::limit, "a name in the saved object has more than " + std::to_string(max_name_bytes) + " bytes",
                  tree_.position(child.value));
    return {};
  }

  // Counts a value of so many members and bytes, and its name, before it is copied.
  Result<void> count(std::uint64_t members, std::uint64_t bytes) {
    steps_ += members;
    bytes_ += name_.size() + bytes;
    if (bytes_ > max_bytes_)
      return fail(Code::limit, "the names and values of the saved object have more than " + std::to_string(max_bytes_) +
                                   " bytes together: it holds the same ones again and again");
    return {};
  }

  bool is_optimizer_key(const Child& child) const {
    const auto text = child.key == pickle::no_id ? std::nullopt : tree_.text(child.key);
    return text && std::find(std::begin(optimizer_keys), std::end(optimizer_keys), *text) != std::end(optimizer_keys);
  }

  void keep(Attr attr, bool is_optimizer) {
    if (is_optimizer && !options_.optimizer_state)
      ++optimizer_values_;
    else if (attr_keys_.insert(attr.key).second)
      listing_.attrs.push_back(std::move(attr));
    else
      leave_out(attr.key, "its name comes again", is_optimizer);
  }

  void leave_out(const std::string& name, const std::string& reason, bool is_optimizer) {
    if (is_optimizer && !options_.optimizer_state)
      ++optimizer_values_;
    else if (left_out_++ < max_told)
      told_ += (told_.empty() ? "\"" : ", \"") + name + "\" (" + reason + ")";
  }

  void tell_rest() {
    if (left_out_ != 0)
      listing_.warnings.push_back(std::to_string(left_out_) + " values that metadata cannot hold are left out: " + told_ +
                                  (left_out_ > max_told ? " and others" : ""));
    if (optimizer_values_ != 0)
      listing_.warnings.push_back(std::to_string(optimizer_values_) + " plain values of an optimizer's state are left out");
  }

  const Tree& tree_;
  const WalkOptions& options_;
  Listing listing_;
  std::vector<Frame> frames_;
  std::string name_;
  std::uint64_t steps_ = 0, max_steps_ = 0;
  std::uint64_t bytes_ = 0, max_bytes_ = 0;  // of names and values
  std::unordered_set<std::string> attr_keys_;
  std::size_t left_out_ = 0;
  std::size_t optimizer_values_ = 0;
  std::string told_;
};

}  // namespace

Result<Listing> walk(const pickle::Tree& tree, const WalkOptions& options) { return Walk(tree, options).run(); }

}  // namespace heirloom::torch
