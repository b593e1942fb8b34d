// The shape that a configuration gives a tensor, from the dimensions of a map's rule. Pure functions.
#pragma once

#include "engine/arch/map.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace heirloom::arch {

// The first of the keys that the configuration has; the last one's error when it has none.
Result<std::uint64_t> first_whole_number(const model::Json& config, const std::vector<std::string>& keys);

// The parts of `text` between separators; empty ones too.
std::vector<std::string> split(std::string_view text, char separator);

// TensorRule.shape in numbers. A dimension of 0 is an error.
Result<std::vector<std::uint64_t>> shape_of(const fb::TensorRuleT& rule, const model::Json& config);

// vocab_size, rounded up to the map's `vocab_multiple`.
Result<std::uint64_t> vocab_size(const Map& map, const model::Json& config);

// Malformed when the tensor's shape is not the rule's. A rule without a shape accepts every tensor that is not empty.
Result<void> check_shape(const fb::TensorRuleT& rule, const Tensor& tensor, const model::Json& config);

}  // namespace heirloom::arch
