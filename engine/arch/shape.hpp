// The shape that a configuration gives a tensor, from the dimensions of a map's rule. Pure functions.
#pragma once

#include "engine/arch/map.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace heirloom::arch {

// The first of the keys that the configuration has, or a number among them; the last one's error when it has none.
Result<std::uint64_t> first_whole_number(const model::Json& config, const std::vector<std::string>& keys);

// A dimension in numbers: products of numbers and keys, joined by "+".
Result<std::uint64_t> dimension_value(const model::Json& config, std::string_view dimension);

// The parts of `text` between separators; empty ones too.
std::vector<std::string> split(std::string_view text, char separator);

// TensorRule.shape in numbers. A dimension of 0 is an error.
Result<std::vector<std::uint64_t>> shape_of(const fb::TensorRuleT& rule, const model::Json& config);

// Malformed when the tensor's shape is not the rule's. A rule without a shape accepts every tensor that is not empty.
Result<void> check_shape(const fb::TensorRuleT& rule, const Tensor& tensor, const model::Json& config);

}  // namespace heirloom::arch
