// The part of Builder that puts values together: sequences, calls, states.
#include "plugins/common/pickle/builder.hpp"

#include <algorithm>

namespace heirloom::pickle {

Result<void> Builder::gather(Kind kind, std::size_t count) {
  HEIRLOOM_CHECK(need(count));
  const std::size_t floor = stack_.size() - count;
  HEIRLOOM_TRY(const Id id, add_run(kind, std::span(stack_).subspan(floor)));
  stack_.resize(floor);
  return push(id);
}

Result<void> Builder::gather_marked(Kind kind) {
  HEIRLOOM_TRY(const std::size_t floor, take_mark());
  if (kind == Kind::dict && (stack_.size() - floor) % 2 != 0)
    return error(Code::malformed, "has a key without a value");
  if (kind == Kind::tuple && stack_.size() == floor)
    return push_empty(kind);
  return gather(kind, stack_.size() - floor);
}

// A container that grows is as deep as what came into it; what holds the container already is not told.
Result<void> Builder::raise_depth(Id id, std::span<const Id> members) {
  std::uint32_t depth = tree_.depth(id);
  for (const Id member : members)
    depth = std::max(depth, tree_.depth(member) + 1);
  if (depth > limits_.depth)
    return error(Code::limit, "nests values deeper than " + std::to_string(limits_.depth));
  tree_.nodes_[id].depth = static_cast<std::uint16_t>(depth);
  return {};
}

Result<void> Builder::append(Id target, std::span<const Id> members, bool is_set) {
  const Kind kind = tree_.kind(target);
  if (kind != Kind::call && kind != (is_set ? Kind::set : Kind::list))
    return error(Code::malformed, "would add to " + describe(target));
  HEIRLOOM_CHECK(raise_depth(target, members));
  const std::uint64_t index = tree_.nodes_[target].value;
  return extend(kind == Kind::call ? tree_.calls_[index].appended : tree_.runs_[index], members);
}

Result<void> Builder::append_top() {
  HEIRLOOM_CHECK(need(2));
  const Id member = take();
  return append(stack_.back(), {&member, 1}, false);
}

Result<void> Builder::append_marked(bool is_set) {
  HEIRLOOM_TRY(const std::size_t floor, take_mark());
  if (floor == 0 || (!marks_.empty() && marks_.back() == floor))
    return error(Code::malformed, "has nothing below the mark to add to");
  HEIRLOOM_CHECK(append(stack_[floor - 1], std::span(stack_).subspan(floor), is_set));
  stack_.resize(floor);
  return {};
}

Result<void> Builder::set(Id target, std::span<const Id> pairs) {
  const Kind kind = tree_.kind(target);
  if (kind != Kind::call && kind != Kind::dict)
    return error(Code::malformed, "would set items of " + describe(target));
  HEIRLOOM_CHECK(raise_depth(target, pairs));
  const std::uint64_t index = tree_.nodes_[target].value;
  return extend(kind == Kind::call ? tree_.calls_[index].set : tree_.runs_[index], pairs);
}

Result<void> Builder::set_top() {
  HEIRLOOM_CHECK(need(3));
  const Id value = take(), key = take();
  const Id pair[] = {key, value};
  return set(stack_.back(), pair);
}

Result<void> Builder::set_marked() {
  HEIRLOOM_TRY(const std::size_t floor, take_mark());
  if (floor == 0 || (!marks_.empty() && marks_.back() == floor))
    return error(Code::malformed, "has nothing below the mark to set items of");
  if ((stack_.size() - floor) % 2 != 0)
    return error(Code::malformed, "has a key without a value");
  HEIRLOOM_CHECK(set(stack_[floor - 1], std::span(stack_).subspan(floor)));
  stack_.resize(floor);
  return {};
}

Result<void> Builder::call_top(Maker maker) {
  const bool has_keywords = maker == Maker::newobj_ex;
  HEIRLOOM_CHECK(need(has_keywords ? 3 : 2));
  const Id keywords = has_keywords ? take() : no_id;
  const Id arguments = take(), callee = take();
  if (has_keywords && tree_.kind(keywords) != Kind::dict)
    return error(Code::malformed, "would call " + describe(callee) + " with keywords that are " + describe(keywords));
  HEIRLOOM_TRY(const Id id, add_call(maker, callee, arguments, keywords));
  return push(id);
}

Result<void> Builder::call_marked(std::string_view module, std::string_view name) {
  HEIRLOOM_TRY(const Id callee, add_global(module, name));
  HEIRLOOM_CHECK(gather_marked(Kind::tuple));
  HEIRLOOM_TRY(const Id id, add_call(Maker::inst, callee, take(), no_id));
  return push(id);
}

Result<void> Builder::call_marked() {
  HEIRLOOM_TRY(const std::size_t floor, take_mark());
  if (stack_.size() == floor)
    return error(Code::malformed, "has no class above the mark");
  const Id callee = stack_[floor];
  HEIRLOOM_TRY(const Id arguments, add_run(Kind::tuple, std::span(stack_).subspan(floor + 1)));
  HEIRLOOM_TRY(const Id id, add_call(Maker::obj, callee, arguments, no_id));
  stack_.resize(floor);
  return push(id);
}

Result<void> Builder::set_state() {
  HEIRLOOM_CHECK(need(2));
  const Id state = take(), target = stack_.back();
  if (tree_.kind(target) != Kind::call)
    return error(Code::malformed, "would change the state of " + describe(target));
  Call& call = tree_.calls_[tree_.nodes_[target].value].call;
  if (call.state != no_id)
    return error(Code::unsupported, "gives " + describe(target) + " a second state");
  HEIRLOOM_CHECK(raise_depth(target, {&state, 1}));
  call.state = state;
  return {};
}

Result<void> Builder::make_persistent() {
  HEIRLOOM_CHECK(need(1));
  const Id argument = take();
  HEIRLOOM_TRY(const Id id, add(Kind::persistent, argument, 0, tree_.depth(argument) + 1));
  return push(id);
}

}  // namespace heirloom::pickle
