#include "engine/arch/pattern.hpp"

#include <charconv>

namespace heirloom::arch {
namespace {

constexpr std::string_view layer_mark = "{i}";
constexpr std::string_view arch_mark = "{arch}";

}  // namespace

bool has_layer(std::string_view pattern) { return pattern.find(layer_mark) != std::string_view::npos; }

std::optional<std::uint64_t> match(std::string_view pattern, std::string_view name) {
  const std::size_t at = pattern.find(layer_mark);
  if (at == std::string_view::npos)
    return pattern == name ? std::optional(no_layer) : std::nullopt;
  const std::string_view before = pattern.substr(0, at);
  const std::string_view after = pattern.substr(at + layer_mark.size());
  if (name.size() <= before.size() + after.size() || !name.starts_with(before) || !name.ends_with(after))
    return std::nullopt;
  const std::string_view digits = name.substr(before.size(), name.size() - before.size() - after.size());
  std::uint64_t layer = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), layer);
  if (error != std::errc() || end != digits.data() + digits.size() || (digits.size() > 1 && digits[0] == '0'))
    return std::nullopt;
  return layer;
}

std::string expand(std::string_view pattern, std::uint64_t layer) {
  const std::size_t at = pattern.find(layer_mark);
  if (at == std::string_view::npos)
    return std::string(pattern);
  return std::string(pattern.substr(0, at)) + std::to_string(layer) +
         std::string(pattern.substr(at + layer_mark.size()));
}

std::string expand_arch(std::string_view pattern, std::string_view arch) {
  const std::size_t at = pattern.find(arch_mark);
  if (at == std::string_view::npos)
    return std::string(pattern);
  return std::string(pattern.substr(0, at)) + std::string(arch) + std::string(pattern.substr(at + arch_mark.size()));
}

}  // namespace heirloom::arch
