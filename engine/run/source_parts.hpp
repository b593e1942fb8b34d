// Where the bytes of the source's tensors come by while pieces are made.
#pragma once

#include "engine/model/model.hpp"
#include "engine/run/pieces.hpp"

#include <cstddef>
#include <vector>

namespace heirloom::run {

struct SourcePart {
  std::size_t piece = 0;  // in the order in which they are begun
  SourceRun run;
};

// The parts of each of the source's tensors, one behind the other from its first byte to its last; empty where they do not
// come by so.
std::vector<std::vector<SourcePart>> ordered_parts(const model::Source& source, const Work& work);

}  // namespace heirloom::run
