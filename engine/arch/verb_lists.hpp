// The verbs that make one tensor of several, or several of one, and what undoes them. Internal to engine/arch.
#pragma once

#include "engine/arch/verbs.hpp"

namespace heirloom::arch {

// A tensor on its way, and which of the list it is for Verb.parts.
struct Item {
  Arrangement arrangement;
  std::size_t part = 0;
};
using Items = std::vector<Item>;

// Whether the verb is for a tensor.
bool is_for(const fb::VerbT& verb, std::size_t part);

Result<std::size_t> axis_of(const fb::VerbT& verb, const Arrangement& of);

Result<Items> concat_all(const fb::VerbT& verb, const Items& items);
Result<Items> split_all(const fb::VerbT& verb, const model::Json& config, const VerbFacts& facts, const Items& items);
// `before` are the items before the verb.
Result<Items> undo_concat(const fb::VerbT& verb, const Items& before, const Items& items);
Result<Items> undo_split(const fb::VerbT& verb, const Items& before, const Items& items);

// Each `count` items become one with a new first dimension, and the inverse.
Result<Items> stack(const Items& items, std::uint64_t count);
Result<Items> unstack(const Items& items);

}  // namespace heirloom::arch
