// What a reader says of a checkpoint beside its tensors, in words: findings, tensors that were left out, bytes that
// tensors share. Pure functions.
#pragma once

#include "heirloom/nouns.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heirloom::model {

// "posix.system" (foreign_global) at byte 12 of "archive/data.pkl": note.
std::string describe(const Finding& finding);

// Tensors that were left out for one reason.
struct LeftOutGroup {
  std::string reason;
  std::string first;  // name of the first
  std::uint64_t count = 0;
};
// In the order of their first tensors.
std::vector<LeftOutGroup> left_out_by_reason(const Checkpoint& checkpoint);
std::string describe(const LeftOutGroup& group);

// Tensors of a valid checkpoint that share bytes with another one: tied weights, views of one storage.
std::uint64_t count_sharing(const Checkpoint& checkpoint);

}  // namespace heirloom::model
