// What an architecture map and a configuration say about a tokenizer. Pure functions.
#pragma once

#include "engine/arch/map.hpp"
#include "engine/tokenizer/tokenizer.hpp"

namespace heirloom::plan {

// `config` is normalized (engine/arch/config.hpp).
Result<tokenizer::ToGguf> tokenizer_options(const arch::Map& map, const model::Json& config);

}  // namespace heirloom::plan
