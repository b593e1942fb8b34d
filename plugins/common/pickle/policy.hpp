// Which globals a checkpoint may name without being suspicious (the table stands in policy.cpp), and what in a pickle
// Python should not be let near: the heart of Heirloom's scanner. Nothing here is needed for safety - a Tree is inert - but
// whoever loads the file with Python needs to know.
#pragma once

#include "plugins/common/pickle/tree.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::pickle {

// Where a pickle comes from: `__torch__.` classes belong in TorchScript alone.
enum class Origin : std::uint8_t { checkpoint, torch_script };

// Whether Python can resolve this global without more than plain values coming out. Python 2's module names are known.
bool is_harmless(std::string_view module, std::string_view name, Origin origin = Origin::checkpoint);

struct Suspect {
  std::string what;            // "posix.system", or "call of a call"
  std::uint64_t position = 0;  // byte of the file
  std::string note;            // a sentence part on why; how often
};

// Foreign globals, and calls that are more than a harmless global with arguments, in the order of their first byte. At most
// `max_suspects`; the last one then says how many there are in all.
inline constexpr std::size_t max_suspects = 256;
std::vector<Suspect> find_suspects(const Tree& tree, Origin origin = Origin::checkpoint);

}  // namespace heirloom::pickle
