#include "plugins/common/pickle/builder.hpp"

#include <algorithm>
#include <bit>

namespace heirloom::pickle {
namespace {

constexpr std::uint32_t max_depth = 65535;  // what a node's field holds
constexpr std::size_t max_far_entries = 1u << 16;

}  // namespace

Builder::Builder(const Limits& limits, std::uint64_t base) : limits_(limits), base_(base), position_(base) {
  limits_.depth = std::min(limits_.depth, max_depth);
  small_integers_.fill(no_id);
}

Result<void> Builder::begin(std::string_view opcode, std::uint64_t position) {
  opcode_ = opcode;
  position_ = position;
  if (++opcodes_ > limits_.opcodes)
    return error(Code::limit, "is one opcode more than " + std::to_string(limits_.opcodes));
  return {};
}

tl::unexpected<Error> Builder::error(Code code, const std::string& what) const {
  return fail(code, "in the pickle, " + std::string(opcode_) + " " + what, position_);
}

std::string Builder::describe(Id id) const {
  if (const Global* global = tree_.global(id))
    return "the global \"" + global->dotted() + "\"";
  if (const Global* callee = tree_.callee(id))
    return "a call of \"" + callee->dotted() + "\"";
  return std::string(name_of(tree_.kind(id)));
}

// Nodes.

Result<Id> Builder::add(Kind kind, std::uint64_t value, std::uint32_t size, std::uint32_t depth) {
  const std::uint64_t allowed =
      std::min(limits_.objects, limits_.free_objects + (position_ - base_) / 3);
  if (tree_.nodes_.size() >= allowed)
    return error(Code::limit, "makes one object more than " + std::to_string(allowed) + ", the limit after " +
                                  std::to_string(position_ - base_) + " bytes");
  if (depth > limits_.depth)
    return error(Code::limit, "nests values deeper than " + std::to_string(limits_.depth));
  tree_.nodes_.push_back({position_, value, size, static_cast<std::uint16_t>(depth), kind});
  return static_cast<Id>(tree_.nodes_.size() - 1);
}

Result<void> Builder::extend(Run& run, std::span<const Id> members) {
  std::vector<Id>& pool = tree_.pool_;
  const std::uint64_t wanted = run.count + members.size();
  if (wanted > run.capacity) {
    const bool is_last = run.capacity != 0 && run.start + std::uint64_t{run.capacity} == pool.size();
    const std::uint64_t capacity = run.count == 0 ? wanted : std::max<std::uint64_t>(wanted, run.count * std::uint64_t{2});
    const std::uint64_t start = is_last ? run.start : pool.size();
    if (start + capacity > UINT32_MAX)
      return error(Code::limit, "fills the table of 4294967295 members of lists and dicts");
    pool.resize(start + capacity, no_id);
    if (!is_last)
      std::copy_n(pool.begin() + run.start, run.count, pool.begin() + static_cast<std::ptrdiff_t>(start));
    run.start = static_cast<std::uint32_t>(start);
    run.capacity = static_cast<std::uint32_t>(capacity);
  }
  std::copy(members.begin(), members.end(), pool.begin() + run.start + run.count);
  run.count = static_cast<std::uint32_t>(wanted);
  return {};
}

Result<Id> Builder::add_run(Kind kind, std::span<const Id> members) {
  std::uint32_t depth = 0;
  for (const Id id : members)
    depth = std::max(depth, tree_.depth(id) + 1);
  HEIRLOOM_TRY(const Id id, add(kind, tree_.runs_.size(), 0, depth));
  Run run;
  HEIRLOOM_CHECK(extend(run, members));
  tree_.runs_.push_back(run);
  return id;
}

Result<Id> Builder::add_text(Kind kind, std::string_view bytes) {
  if (bytes.size() > UINT32_MAX)
    return error(Code::limit, "holds " + std::to_string(bytes.size()) + " bytes; the limit is 4294967295");
  HEIRLOOM_TRY(const Id id, add(kind, tree_.text_.size(), static_cast<std::uint32_t>(bytes.size())));
  tree_.text_ += bytes;
  return id;
}

Result<Id> Builder::add_global(std::string_view module, std::string_view name) {
  if (!is_utf8(module) || !is_utf8(name))
    return error(Code::malformed, "names a global that is not UTF-8");
  std::string key = std::string(module) + "\n" + std::string(name);
  if (const auto known = known_globals_.find(key); known != known_globals_.end()) {
    ++tree_.globals_[tree_.nodes_[known->second].value].uses;
    return known->second;
  }
  if (tree_.globals_.size() >= limits_.globals)
    return error(Code::limit, "names one global more than " + std::to_string(limits_.globals));
  HEIRLOOM_TRY(const Id id, add(Kind::global, tree_.globals_.size()));
  tree_.globals_.push_back({std::string(module), std::string(name), position_, 1});
  known_globals_.emplace(std::move(key), id);
  return id;
}

Result<Id> Builder::add_call(Maker maker, Id callee, Id arguments, Id keywords) {
  const Kind kind = tree_.kind(callee);
  if (kind != Kind::global && kind != Kind::call && kind != Kind::persistent)
    return error(Code::malformed, "would call " + describe(callee));
  if (tree_.kind(arguments) != Kind::tuple)
    return error(Code::malformed, "would call " + describe(callee) + " with " + describe(arguments) +
                                      " instead of a tuple");
  std::uint32_t depth = std::max(tree_.depth(callee), tree_.depth(arguments)) + 1;
  if (keywords != no_id)
    depth = std::max(depth, tree_.depth(keywords) + 1);
  HEIRLOOM_TRY(const Id id, add(Kind::call, tree_.calls_.size(), 0, depth));
  tree_.calls_.push_back({{maker, callee, arguments, keywords, no_id}, {}, {}});
  return id;
}

// Plain values.

Result<void> Builder::push(Id id) {
  stack_.push_back(id);
  return {};
}

Result<void> Builder::push_none() {
  if (none_ == no_id) {
    HEIRLOOM_TRY(none_, add(Kind::none, 0));
  }
  return push(none_);
}

Result<void> Builder::push_boolean(bool value) {
  Id& shared = value ? true_ : false_;
  if (shared == no_id) {
    HEIRLOOM_TRY(shared, add(Kind::boolean, value ? 1 : 0));
  }
  return push(shared);
}

Result<void> Builder::push_integer(const Integer& value) {
  if (!value.small) {
    const auto* first = reinterpret_cast<const char*>(value.bytes.data());
    HEIRLOOM_TRY(const Id id, add_text(Kind::long_integer, {first, value.bytes.size()}));
    return push(id);
  }
  const auto number = static_cast<std::uint64_t>(*value.small);
  if (number < small_integers_.size()) {
    Id& shared = small_integers_[number];
    if (shared == no_id) {
      HEIRLOOM_TRY(shared, add(Kind::integer, number));
    }
    return push(shared);
  }
  HEIRLOOM_TRY(const Id id, add(Kind::integer, number));
  return push(id);
}

Result<void> Builder::push_real(double value) {
  HEIRLOOM_TRY(const Id id, add(Kind::real, std::bit_cast<std::uint64_t>(value)));
  return push(id);
}

Result<void> Builder::push_text(std::string_view utf8) {
  if (!is_utf8(utf8))
    return error(Code::malformed, "holds text that is not UTF-8");
  HEIRLOOM_TRY(const Id id, add_text(Kind::text, utf8));
  return push(id);
}

Result<void> Builder::push_bytes(std::span<const std::uint8_t> bytes) {
  HEIRLOOM_TRY(const Id id, add_text(Kind::bytes, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  return push(id);
}

Result<void> Builder::push_string(std::string_view bytes) {
  HEIRLOOM_TRY(const Id id, add_text(is_utf8(bytes) ? Kind::text : Kind::bytes, bytes));
  return push(id);
}

Result<void> Builder::push_empty(Kind kind) {
  if (kind != Kind::tuple) {
    HEIRLOOM_TRY(const Id id, add_run(kind, {}));
    return push(id);
  }
  if (empty_tuple_ == no_id) {
    HEIRLOOM_TRY(empty_tuple_, add_run(kind, {}));
  }
  return push(empty_tuple_);
}

Result<void> Builder::push_global(std::string_view module, std::string_view name) {
  HEIRLOOM_TRY(const Id id, add_global(module, name));
  return push(id);
}

Result<void> Builder::push_stack_global() {
  HEIRLOOM_CHECK(need(2));
  const Id name = take(), module = take();
  const auto name_text = tree_.text(name), module_text = tree_.text(module);
  if (!name_text || !module_text)
    return error(Code::malformed, "names a global by " + describe(module) + " and " + describe(name) +
                                      " instead of two texts");
  return push_global(*module_text, *name_text);
}

// The stack and the memo.

Result<void> Builder::need(std::size_t count) const {
  const std::size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() - floor < count)
    return error(Code::malformed, "needs " + std::to_string(count) + " values, but the stack has " +
                                      std::to_string(stack_.size() - floor));
  return {};
}

Id Builder::take() {
  const Id id = stack_.back();
  stack_.pop_back();
  return id;
}

Result<std::size_t> Builder::take_mark() {
  if (marks_.empty())
    return error(Code::malformed, "needs a mark, but none is on the stack");
  const std::size_t floor = marks_.back();
  marks_.pop_back();
  return floor;
}

Result<void> Builder::mark() {
  if (marks_.size() >= limits_.depth * std::uint64_t{2})  // a pickler sets one or two around each value that it is in
    return error(Code::limit, "nests values deeper than " + std::to_string(limits_.depth));
  marks_.push_back(stack_.size());
  return {};
}

Result<void> Builder::pop() {
  if (!marks_.empty() && marks_.back() == stack_.size()) {
    marks_.pop_back();
    return {};
  }
  HEIRLOOM_CHECK(need(1));
  stack_.pop_back();
  return {};
}

Result<void> Builder::pop_marked() {
  HEIRLOOM_TRY(const std::size_t floor, take_mark());
  stack_.resize(floor);
  return {};
}

Result<void> Builder::duplicate() {
  HEIRLOOM_CHECK(need(1));
  return push(stack_.back());
}

Result<void> Builder::remember(std::uint64_t index) {
  HEIRLOOM_CHECK(need(1));
  const bool is_new = memo_entry(index) == no_id;
  if (is_new && ++memo_entries_ > limits_.memo_entries)
    return error(Code::limit, "makes one memo entry more than " + std::to_string(limits_.memo_entries));
  if (index > memo_entries_ * 2 + 64 || far_memo_.contains(index)) {
    if (is_new && far_memo_.size() >= max_far_entries)
      return error(Code::limit, "makes one memo entry more than " + std::to_string(max_far_entries) + " far from the others");
    far_memo_[index] = stack_.back();
    return {};
  }
  if (index >= memo_.size())
    memo_.resize(index + 1, no_id);
  memo_[index] = stack_.back();
  return {};
}

Result<void> Builder::remember_next() { return remember(memo_entries_); }

Id Builder::memo_entry(std::uint64_t index) const {
  if (index < memo_.size() && memo_[index] != no_id)
    return memo_[index];
  const auto far = far_memo_.find(index);
  return far == far_memo_.end() ? no_id : far->second;
}

Result<void> Builder::recall(std::uint64_t index) {
  const Id id = memo_entry(index);
  if (id == no_id)
    return error(Code::malformed, "asks for memo entry " + std::to_string(index) + ", which was not made");
  return push(id);
}

Result<Tree> Builder::finish() {
  if (!marks_.empty() || stack_.size() != 1)
    return error(Code::malformed, "comes with " + std::to_string(stack_.size()) + " values and " +
                                      std::to_string(marks_.size()) + " marks on the stack instead of one value");
  tree_.root_ = stack_.back();
  return std::move(tree_);
}

}  // namespace heirloom::pickle
