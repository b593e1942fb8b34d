// The shape that a configuration gives a tensor, from the dimensions of a map's rule. Pure functions.
#pragma once

#include "engine/arch/map.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace heirloom::arch {

// The first of the keys that the configuration has, or a number among them; the last one's error when it has none.
Result<std::uint64_t> first_whole_number(const model::Json& config, const std::vector<std::string>& keys);

// The parts of `text` between separators; empty ones too.
std::vector<std::string> split(std::string_view text, char separator);

// "num_key_value_heads|num_attention_heads*head_dim": products and exact quotients of numbers and configuration keys, joined
// by "+".
Result<std::uint64_t> number_of(const model::Json& config, std::string_view dimension);

// Dimensions in numbers. One of 0 is an error.
// `layer` is that of "a[i]".
Result<std::vector<std::uint64_t>> shape_of(const std::vector<std::string>& dimensions, const model::Json& config,
                                            std::uint64_t layer = 0);
Result<std::vector<std::uint64_t>> shape_of(const fb::TensorRuleT& rule, const model::Json& config);

// The dimensions of a rule's Hugging Face tensor number `part`; empty where it is not checked.
const std::vector<std::string>& dimensions_of(const fb::TensorRuleT& rule, std::size_t part);

// Malformed when the tensor has no weights, or not the shape that is wanted. `why` says what it comes from, "" for nothing.
Result<void> check_not_empty(const Tensor& tensor);
Result<void> check_shape(const Tensor& tensor, const std::vector<std::uint64_t>& wanted, const std::string& why);

// "[4, 8]"
std::string shape_text(const std::vector<std::uint64_t>& shape);
std::string shape_text(const std::vector<std::string>& dimensions);

}  // namespace heirloom::arch
