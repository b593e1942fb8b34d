// Reads a pickle of protocol 0 to 5 into a Tree (formats/facts/pickle.md#opcodes). Errors name the byte of the file and the
// opcode or global. No recursion, and memory in proportion to the bytes read.
#pragma once

#include "heirloom/files.hpp"
#include "plugins/common/pickle/tree.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace heirloom::pickle {

struct Limits {
  std::uint64_t bytes = 1u << 30;          // of one pickle
  std::uint64_t opcodes = 1u << 28;
  std::uint64_t memo_entries = 1u << 26;
  std::uint64_t objects = 1u << 26;
  // Objects beyond this number need three bytes of pickle each, as every real pickler spends; a bomb spends one.
  std::uint64_t free_objects = 1u << 18;
  std::uint32_t depth = 512;               // of values in values
  std::uint64_t globals = 1u << 16;        // distinct ones
};

struct Parsed {
  Tree tree;
  std::uint64_t consumed = 0;  // bytes, up to and with STOP: the next pickle of a stream begins there
};

// The pickle at the front of `bytes`, whose first byte is byte `base` of its file.
Result<Parsed> parse(std::span<const std::uint8_t> bytes, std::uint64_t base = 0, const Limits& limits = {});

// The pickle that begins at byte `offset` of a file and ends before byte `end`; reads no more than it needs.
Result<Parsed> parse_file(const Files& files, const std::string& file, std::uint64_t offset, std::uint64_t end,
                          const Limits& limits = {});

}  // namespace heirloom::pickle
