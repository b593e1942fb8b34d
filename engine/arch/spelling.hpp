// Spellings: ways in which checkpoints of a family begin the names of their tensors (Architecture.spellings). Pure functions.
#pragma once

#include "engine/arch/tensors.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace heirloom::arch {

// The name as the rules have it; nothing where the spelling is not for it.
std::optional<std::string> read_spelling(const fb::SpellingT& spelling, std::string_view name);

// Names of a mapping to Hugging Face as the spelling has them that begins with `from`; "" leaves them. Unsupported where the
// map has no such spelling.
Result<void> spell(const Map& map, std::string_view from, Mapping& mapping);

}  // namespace heirloom::arch
