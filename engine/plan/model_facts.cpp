#include "engine/plan/model_facts.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

namespace heirloom::plan {
namespace {

// formats/facts/recipes.md#size
struct Size {
  std::string_view architecture;
  std::uint64_t blocks;
};
constexpr Size sizes_70b[] = {{"llama", 80}, {"llama-embed", 80}, {"deci", 80}, {"qwen2", 80}, {"olmo", 80}, {"jais2", 68}};

// A whole number of any width, or the first of a list of them: one number for each layer.
std::optional<std::uint64_t> whole_number(const std::vector<Attr>& attrs, const std::string& key) {
  const Attr* attr = find_attr(attrs, key);
  if (attr == nullptr)
    return std::nullopt;
  if (const auto value = attr->get<std::uint32_t>())
    return *value;
  if (const auto value = attr->get<std::int32_t>())
    return *value < 0 ? 0u : static_cast<std::uint64_t>(*value);
  if (const auto value = attr->get<std::uint64_t>())
    return *value;
  if (const auto value = attr->get<std::uint16_t>())
    return *value;
  return std::nullopt;
}

}  // namespace

ModelFacts model_facts(std::string architecture, std::uint64_t blocks, std::uint64_t heads, std::uint64_t kv_heads,
                       std::uint64_t experts) {
  ModelFacts facts{std::move(architecture), blocks, kv_heads == 0 ? 0 : heads / kv_heads, experts};
  facts.is_70b = std::any_of(std::begin(sizes_70b), std::end(sizes_70b), [&](const Size& size) {
    return facts.architecture == size.architecture && blocks == size.blocks;
  });
  // Llama 65B has as many layers, and no groups of heads.
  if (facts.architecture.starts_with("llama") && heads == kv_heads)
    facts.is_70b = false;
  return facts;
}

ModelFacts model_facts(const std::vector<Attr>& attrs) {
  const Attr* named = find_attr(attrs, "general.architecture");
  std::string architecture(named == nullptr ? "" : named->get_text().value_or(""));
  const auto number = [&](const char* key) { return whole_number(attrs, architecture + key); };
  const std::uint64_t heads = number(".attention.head_count").value_or(0);
  const std::uint64_t kv_heads = number(".attention.head_count_kv").value_or(heads);
  const std::uint64_t blocks = number(".block_count").value_or(0);
  const std::uint64_t experts = number(".expert_count").value_or(0);
  return model_facts(std::move(architecture), blocks, heads, kv_heads, experts);
}

}  // namespace heirloom::plan
