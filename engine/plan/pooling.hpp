// How a model of sentences pools its tokens, as sentence-transformers says it beside the weights: modules.json and the file
// that it leads to.
#pragma once

#include "engine/model/model.hpp"
#include "heirloom/result.hpp"

#include <string>

namespace heirloom::plan {

// "mean", "cls" or "lasttoken"; "" where the source says nothing. Another way of pooling is unsupported.
Result<std::string> read_pooling(const model::Source& source);

}  // namespace heirloom::plan
