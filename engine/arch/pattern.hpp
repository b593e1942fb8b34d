// Tensor name patterns: text with at most one "{i}", which stands for a layer number, and one "{e}", for the number of an
// expert; neither has leading zeros. "{n}" stands for the number of layers, "{*}" at the end for any text. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace heirloom::arch {

inline constexpr std::uint64_t no_layer = UINT64_MAX;

bool has_layer(std::string_view pattern);
bool has_expert(std::string_view pattern);

// no_layer where the pattern has no mark for it.
struct Numbers {
  std::uint64_t layer = no_layer;
  std::uint64_t expert = no_layer;
  bool operator==(const Numbers&) const = default;
};

// The numbers when `name` fits the pattern, else nothing.
std::optional<Numbers> match_numbers(std::string_view pattern, std::string_view name);
std::string expand(std::string_view pattern, const Numbers& numbers);

// Patterns without "{e}".
std::optional<std::uint64_t> match(std::string_view pattern, std::string_view name);
std::string expand(std::string_view pattern, std::uint64_t layer);

// "{n}" replaced.
std::string expand_count(std::string_view pattern, std::uint64_t layers);

// "{arch}" replaced.
std::string expand_arch(std::string_view pattern, std::string_view arch);

}  // namespace heirloom::arch
