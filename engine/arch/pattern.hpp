// Tensor name patterns: text with at most one "{i}", which stands for a layer number without leading zeros.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace heirloom::arch {

inline constexpr std::uint64_t no_layer = UINT64_MAX;

bool has_layer(std::string_view pattern);

// The layer number when `name` fits the pattern (no_layer for a pattern without "{i}"), else nothing.
std::optional<std::uint64_t> match(std::string_view pattern, std::string_view name);

// The name for a layer.
std::string expand(std::string_view pattern, std::uint64_t layer);

// "{arch}" replaced.
std::string expand_arch(std::string_view pattern, std::string_view arch);

}  // namespace heirloom::arch
