// What a pickle says, as a graph of plain values and symbolic nodes: a global is a name, a call is what would be called
// with what. Nothing is resolved, nothing is called (formats/facts/pickle.md). Nodes are numbers; shared objects are one
// node, so a graph is never larger than its pickle, and it may hold circles: walk it with a bound on depth and on steps,
// or over all numbers below size(). A tree owns its memory and is constant once parsed: usable from any thread.
#pragma once

#include "heirloom/result.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::pickle {

enum class Kind : std::uint8_t {
  none,
  boolean,
  integer,       // fits 64 bits with a sign
  long_integer,  // any other: bytes() are its two's complement, little endian
  real,
  text,          // UTF-8
  bytes,         // also a bytearray, and a Python 2 string that is not UTF-8
  tuple,
  list,
  dict,          // items() are key, value, key, value, ... as they were set: a key may come again
  set,           // also a frozenset
  global,        // a name that Python would look up and import
  call,          // what Python would call
  persistent,    // an object that lies outside the pickle; its argument is the id
};

// A name for error messages: "a list".
std::string_view name_of(Kind kind);

using Id = std::uint32_t;
inline constexpr Id no_id = UINT32_MAX;

// How Python would make the object.
enum class Maker : std::uint8_t { reduce, newobj, newobj_ex, inst, obj };

struct Call {
  Maker maker = Maker::reduce;
  Id callee = no_id;
  Id arguments = no_id;  // a tuple
  Id keywords = no_id;   // of NEWOBJ_EX: a dict
  Id state = no_id;      // of BUILD
};

// A distinct global, and where it is asked for first.
struct Global {
  std::string module;  // as written: Python 2's names are translated by the policy
  std::string name;
  std::uint64_t position = 0;
  std::uint64_t uses = 0;

  std::string dotted() const { return module + "." + name; }
};

class Tree {
 public:
  Id root() const { return root_; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(nodes_.size()); }

  // Members of all sequences together, and bytes of all texts: what bounds on walking a tree are made from.
  std::uint64_t references() const { return pool_.size(); }
  std::uint64_t text_bytes() const { return text_.size(); }

  Kind kind(Id id) const { return nodes_[id].kind; }
  // Byte of the file where the opcode that made the node begins; small numbers, none and empty tuples are shared and
  // have the byte of their first use.
  std::uint64_t position(Id id) const { return nodes_[id].position; }
  // Levels of nodes known to be below when the pickle was read; circles and late additions may make it more.
  std::uint32_t depth(Id id) const { return nodes_[id].depth; }

  // The value when the node is of this kind.
  std::optional<bool> boolean(Id id) const;
  std::optional<std::int64_t> integer(Id id) const;  // a boolean too, as in Python
  std::optional<double> real(Id id) const;           // an integer too
  std::optional<std::string_view> text(Id id) const;
  std::optional<std::span<const std::uint8_t>> bytes(Id id) const;  // of bytes and long_integer
  bool is_none(Id id) const { return kind(id) == Kind::none; }

  // Elements of a tuple, list or set; keys and values of a dict. Of a call: what was appended to it or set in it
  // (`called_items`). Empty for other kinds.
  std::span<const Id> items(Id id) const;
  // Keys and values set in a call, as in an OrderedDict.
  std::span<const Id> set_items(Id id) const;

  // The value of a text key of a dict or of a call's set items: the last that was set, no_id when there is none. Goes
  // through all keys.
  Id find(Id id, std::string_view key) const;
  // The value of an attribute in the state of a call (BUILD with a dict, or with a pair of dicts), no_id if none.
  Id attribute(Id id, std::string_view name) const;

  const Call* call(Id id) const;
  const Global* global(Id id) const;
  // What a call calls, when that is a global; else null.
  const Global* callee(Id id) const;
  // "module.name" of what a call calls is this.
  bool is_call_of(Id id, std::string_view dotted) const;
  // The last name of the class or function that a call calls, "" when that is no global: "_StorageInfo".
  std::string_view class_of(Id id) const;
  // The id of a persistent node, no_id for others.
  Id persistent_id(Id id) const;

  // Every distinct global, in the order of the first use.
  const std::vector<Global>& globals() const { return globals_; }

 private:
  friend class Builder;

  // Where the members of a sequence lie in pool_.
  struct Run {
    std::uint32_t start = 0;
    std::uint32_t count = 0;
    std::uint32_t capacity = 0;
  };
  struct Node {
    std::uint64_t position = 0;
    std::uint64_t value = 0;  // number, offset in text_, index in runs_, calls_ or globals_, or the persistent id
    std::uint32_t size = 0;   // of text and bytes
    std::uint16_t depth = 0;
    Kind kind = Kind::none;
  };
  struct Object {
    Call call;
    Run appended;
    Run set;
  };

  std::span<const Id> members(const Run& run) const { return {pool_.data() + run.start, run.count}; }

  std::deque<Node> nodes_;
  std::deque<Run> runs_;
  std::deque<Object> calls_;
  std::vector<Id> pool_;
  std::string text_;
  std::vector<Global> globals_;
  Id root_ = no_id;
};

}  // namespace heirloom::pickle
