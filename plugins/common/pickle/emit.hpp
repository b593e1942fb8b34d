// Emitter: writes a pickle of protocol 2, byte for byte as Python's own pickler does for the same objects: what is used
// again is fetched from the memo, and memo entries are numbered in the order of first use (formats/facts/pickle.md). Values
// that have no bytes here cannot be said. One thread per object.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::pickle {

class Emitter {
 public:
  Emitter();

  // A class or function; from the second time on by its memo entry.
  void global(std::string_view module, std::string_view name);
  // UTF-8. A shared text is one object wherever it is used; others are new each time.
  void text(std::string_view utf8);
  void shared_text(std::string_view utf8);
  void integer(std::uint64_t value);
  void no() { code('\x89'); }           // False
  void mark() { code('('); }
  // A tuple of integers.
  void tuple(std::span<const std::uint64_t> values);
  // Of everything since the last mark.
  void end_tuple();
  void empty_tuple() { code(')'); }
  // Calls the callable below with the tuple on top; the result gets a memo entry.
  void reduce();
  // The tuple on top is a persistent identifier.
  void persistent() { code('Q'); }
  void set_item() { code('s'); }        // of the dictionary below
  void set_items() { code('u'); }       // everything since the last mark
  std::vector<std::uint8_t> finish() &&;

 private:
  void code(char opcode) { bytes_.push_back(static_cast<std::uint8_t>(opcode)); }
  void number(std::uint64_t value, int size);
  void put();
  bool get(const std::string& key);

  std::vector<std::uint8_t> bytes_;
  std::map<std::string, std::uint32_t> memo_;  // of globals and shared texts
  std::uint32_t next_ = 0;                     // memo entry
};

}  // namespace heirloom::pickle
