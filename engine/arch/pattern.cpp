#include "engine/arch/pattern.hpp"

#include <algorithm>
#include <charconv>

namespace heirloom::arch {
namespace {

constexpr std::string_view layer_mark = "{i}";
constexpr std::string_view expert_mark = "{e}";
constexpr std::string_view count_mark = "{n}";
constexpr std::string_view any_mark = "{*}";
constexpr std::string_view arch_mark = "{arch}";

bool has(std::string_view pattern, std::string_view mark) { return pattern.find(mark) != std::string_view::npos; }

std::string replaced(std::string_view pattern, std::string_view mark, std::string_view text) {
  const std::size_t at = pattern.find(mark);
  if (at == std::string_view::npos)
    return std::string(pattern);
  return std::string(pattern.substr(0, at)) + std::string(text) + std::string(pattern.substr(at + mark.size()));
}

// The number that `name` begins with, taken off.
std::optional<std::uint64_t> take_number(std::string_view& name) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const auto digits = static_cast<std::size_t>(end - name.data());
  if (error != std::errc() || digits == 0 || (digits > 1 && name[0] == '0'))
    return std::nullopt;
  name.remove_prefix(digits);
  return number;
}

}  // namespace

bool has_layer(std::string_view pattern) { return has(pattern, layer_mark); }
bool has_expert(std::string_view pattern) { return has(pattern, expert_mark); }

std::optional<Numbers> match_numbers(std::string_view pattern, std::string_view name) {
  Numbers numbers;
  for (;;) {
    const std::size_t layer = pattern.find(layer_mark), expert = pattern.find(expert_mark);
    const std::size_t at = std::min(layer, expert);
    if (at == std::string_view::npos && pattern.ends_with(any_mark))
      return name.starts_with(pattern.substr(0, pattern.size() - any_mark.size())) ? std::optional(numbers) : std::nullopt;
    if (at == std::string_view::npos)
      return pattern == name ? std::optional(numbers) : std::nullopt;
    if (!name.starts_with(pattern.substr(0, at)))
      return std::nullopt;
    name.remove_prefix(at);
    const auto number = take_number(name);
    if (!number)
      return std::nullopt;
    (at == layer ? numbers.layer : numbers.expert) = *number;
    pattern.remove_prefix(at + layer_mark.size());
  }
}

std::string expand(std::string_view pattern, const Numbers& numbers) {
  return replaced(replaced(pattern, layer_mark, std::to_string(numbers.layer)), expert_mark, std::to_string(numbers.expert));
}

std::optional<std::uint64_t> match(std::string_view pattern, std::string_view name) {
  const auto numbers = match_numbers(pattern, name);
  return numbers ? std::optional(numbers->layer) : std::nullopt;
}

std::string expand(std::string_view pattern, std::uint64_t layer) { return expand(pattern, Numbers{layer, no_layer}); }

std::string expand_count(std::string_view pattern, std::uint64_t layers) {
  return replaced(pattern, count_mark, std::to_string(layers));
}

std::string expand_arch(std::string_view pattern, std::string_view arch) { return replaced(pattern, arch_mark, arch); }

}  // namespace heirloom::arch
