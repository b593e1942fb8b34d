// Damaged copies of a sample: cut, lengthened, with bytes changed. The same list in every run.
#pragma once

#include "samples.hpp"

#include <vector>

namespace heirloom::conform {

// `read` is what an undamaged open reads: only those bytes are worth changing. At most about `count` of each.
std::vector<Mutation> cuts(const Sample& sample, const Traffic& read, std::uint64_t count);
std::vector<Mutation> changes(const Sample& sample, const Traffic& read, std::uint64_t count);

std::string describe(const Mutation& mutation);

}  // namespace heirloom::conform
