// Values that follow from several keys of a configuration. Pure functions. Internal to engine/arch.
#pragma once

#include "engine/arch/config.hpp"

namespace heirloom::arch {

// The number of dimensions of a head that are rotated, from the share that `path` says.
Result<model::Json> rotary_dim(const model::Json& config, std::string_view path, const model::Json& share);

// What a dimension's name stands for where it is not a key of the configuration: "head_dim", "half_head_dim",
// "half_rotary_dim", "hidden_per_head"; nothing for other names.
std::optional<Result<std::uint64_t>> derived_number(const model::Json& config, std::string_view name);

// The factor on attention that goes with RoPE factors for long contexts; null without these
// (formats/facts/architectures.md#longrope).
Result<model::Json> longrope_attn_factor(const model::Json& config);

// The value after KeyRule.plus, .times and .scale, and the value before them. Errors name `path`.
Result<model::Json> computed(const fb::KeyRuleT& rule, const model::Json& config, std::string_view path, model::Json value);
Result<model::Json> uncomputed(const fb::KeyRuleT& rule, const model::Json& config, std::string_view path, model::Json value);
bool is_computed(const fb::KeyRuleT& rule);

// A binary32 as the double a person would have written: 1e-5, not 9.99999974737875e-06.
double shortest(float value);

// The number that a text is: its digits, "inf" or "-inf"; nothing where it is more or less than one.
std::optional<double> number_in(std::string_view text);

}  // namespace heirloom::arch
