// Which globals a checkpoint may name without being suspicious (the table stands in policy.cpp), and what in a pickle
// Python should not be let near: the heart of Heirloom's scanner. Nothing here is needed for safety - a Tree is inert - but
// whoever loads the file with Python needs to know.
#pragma once

#include "heirloom/nouns.hpp"
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

// Foreign globals (kind "foreign_global", what "posix.system"), and calls of something that is itself computed (kind
// "computed_call"), in the order of their first byte, with that byte of `file`. At most `max_findings`; the last one then says
// how many there are in all.
inline constexpr std::size_t max_findings = 256;
std::vector<Finding> find_suspects(const Tree& tree, std::string_view file, Origin origin = Origin::checkpoint);

}  // namespace heirloom::pickle
