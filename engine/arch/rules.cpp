#include "engine/arch/rules.hpp"

#include "engine/arch/config.hpp"
#include "engine/arch/shape.hpp"
#include "engine/base/text.hpp"

#include <algorithm>

namespace heirloom::arch {
namespace {

using model::Json;

constexpr std::uint64_t max_experts = 65'536;

std::vector<std::string> one_or_several(const std::string& one, const std::vector<std::string>& several) {
  if (!several.empty() || one.empty())
    return several;
  return {one};
}

}  // namespace

std::vector<std::string> patterns_of(const fb::TensorRuleT& rule, Side side) {
  switch (side) {
    case Side::hugging_face: return one_or_several(rule.hf, rule.hf_parts);
    case Side::gguf: return one_or_several(rule.gguf, rule.gguf_parts);
    default: return one_or_several(rule.native, rule.native_parts);
  }
}

Result<std::uint64_t> experts_of(const fb::TensorRuleT& rule, const Json& config) {
  if (rule.experts.empty())
    return 1;
  HEIRLOOM_TRY(const std::uint64_t experts, number_of(config, rule.experts));
  if (experts == 0 || experts > max_experts)
    return fail(Error{Code::malformed, base::quoted(rule.experts) + " says " + std::to_string(experts) + " experts, and at most " +
                                           std::to_string(max_experts) + " are taken", no_position, "config.json"});
  return experts;
}

std::vector<std::uint64_t> layers_of(const fb::TensorRuleT& rule, const std::string& pattern, const Layers& layers) {
  if (!has_layer(pattern))
    return {no_layer};
  std::vector<std::uint64_t> wanted;
  for (std::uint64_t layer = 0; layer < layers.end(); ++layer)
    if (layers.contains(rule.layers, layer))
      wanted.push_back(layer);
  return wanted;
}

}  // namespace heirloom::arch
