// Which recipe chose the encodings of a file. Pure functions.
#pragma once

#include "engine/model/model.hpp"
#include "engine/plan/plan.hpp"

#include <string>
#include <vector>

namespace heirloom::record {

struct RecipeMiss {
  std::string tensor, encoding, expected;
};

struct RecipeMatch {
  std::string name = {};                // the recipe that chooses every encoding as it is; "" when none does
  std::vector<std::string> also = {};   // other recipes that would choose the same
  std::string nearest = {};             // where none does, the one with the fewest misses
  std::vector<RecipeMiss> misses = {};  // of the nearest
};

// `tensors` are the source's, named and laid out as theirs, with the encodings that their numbers have. Recipes are for
// GGUF: of another container the match is an encoding that every matrix has, or "" where nothing was changed.
RecipeMatch match_recipe(const std::vector<plan::PlanTensor>& tensors, const model::Source& theirs, bool is_source_gguf);

}  // namespace heirloom::record
