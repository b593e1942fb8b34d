// The pickle machine's stack, memo and marks, and the tree that grows from them. Functions are named by what an opcode
// means; each error names the byte of the opcode that began last. One thread per builder.
#pragma once

#include "plugins/common/pickle/literals.hpp"
#include "plugins/common/pickle/parse.hpp"

#include <array>
#include <string>
#include <unordered_map>
#include <vector>

namespace heirloom::pickle {

class Builder {
 public:
  // `base` is the byte of the file where the pickle begins.
  Builder(const Limits& limits, std::uint64_t base);

  // Tells where the next opcode begins, for positions and limits.
  Result<void> begin(std::string_view opcode, std::uint64_t position);

  // Plain values.
  Result<void> push_none();
  Result<void> push_boolean(bool value);
  Result<void> push_integer(const Integer& value);
  Result<void> push_real(double value);
  Result<void> push_text(std::string_view utf8);
  Result<void> push_bytes(std::span<const std::uint8_t> bytes);
  Result<void> push_string(std::string_view bytes);  // Python 2's: text when it is UTF-8
  Result<void> push_empty(Kind kind);
  Result<void> push_global(std::string_view module, std::string_view name);
  Result<void> push_stack_global();

  // Sequences from the top `count` values, or from those above the last mark.
  Result<void> gather(Kind kind, std::size_t count);
  Result<void> gather_marked(Kind kind);
  Result<void> append_top();
  Result<void> append_marked(bool is_set);
  Result<void> set_top();
  Result<void> set_marked();

  // Objects.
  Result<void> call_top(Maker maker);                                            // REDUCE, NEWOBJ, NEWOBJ_EX
  Result<void> call_marked(std::string_view module, std::string_view name);      // INST
  Result<void> call_marked();                                                    // OBJ
  Result<void> set_state();                                                      // BUILD
  Result<void> make_persistent();                                                // BINPERSID

  // The stack and the memo.
  Result<void> mark();
  Result<void> pop();
  Result<void> pop_marked();
  Result<void> duplicate();
  Result<void> remember(std::uint64_t index);
  Result<void> remember_next();
  Result<void> recall(std::uint64_t index);

  // STOP: the tree, whose root is the only value left.
  Result<Tree> finish();

  // An error at the opcode that began last, whose name comes first.
  tl::unexpected<Error> error(Code code, const std::string& what) const;

 private:
  using Node = Tree::Node;
  using Run = Tree::Run;

  Result<void> push(Id id);
  Result<Id> add(Kind kind, std::uint64_t value, std::uint32_t size = 0, std::uint32_t depth = 0);
  Result<Id> add_run(Kind kind, std::span<const Id> members);
  Result<Id> add_call(Maker maker, Id callee, Id arguments, Id keywords);
  Result<Id> add_text(Kind kind, std::string_view bytes);
  Result<Id> add_global(std::string_view module, std::string_view name);

  Result<void> need(std::size_t count) const;  // that many values above the last mark
  Id take();
  Id memo_entry(std::uint64_t index) const;     // no_id when there is none
  Result<std::size_t> take_mark();              // where on the stack its values begin
  Result<void> extend(Run& run, std::span<const Id> members);
  Result<void> raise_depth(Id id, std::span<const Id> members);
  Result<void> append(Id target, std::span<const Id> members, bool is_set);
  Result<void> set(Id target, std::span<const Id> pairs);
  std::string describe(Id id) const;            // "a list", or a global's name

  Limits limits_;
  std::uint64_t base_;
  std::uint64_t position_;
  std::string_view opcode_;
  std::uint64_t opcodes_ = 0;
  Tree tree_;
  std::vector<Id> stack_;
  std::vector<std::size_t> marks_;  // sizes of the stack
  std::vector<Id> memo_;            // by index, no_id where nothing was put
  std::unordered_map<std::uint64_t, Id> far_memo_;  // indexes far beyond the number of entries
  std::uint64_t memo_entries_ = 0;                  // distinct indexes
  std::unordered_map<std::string, Id> known_globals_;  // "module\nname"
  std::array<Id, 256> small_integers_;
  Id none_ = no_id, false_ = no_id, true_ = no_id, empty_tuple_ = no_id;
};

}  // namespace heirloom::pickle
