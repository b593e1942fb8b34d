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

Result<const Json::Array*> layer_list(const fb::TensorRuleT& rule, std::uint64_t layers, const Json& config) {
  const Json* list = config.at(rule.layer_key);
  if (list == nullptr || list->array() == nullptr || list->array()->size() != layers)
    return fail(Error{Code::malformed, base::quoted(rule.layer_key) + " is not a list of a value for each of the " +
                                           std::to_string(layers) + " layers", no_position, "config.json"});
  return list->array();
}

bool is_value(const Json& json, const std::vector<std::string>& values) {
  const std::string text = json.text() != nullptr ? *json.text() : json.dump();
  return std::find(values.begin(), values.end(), text) != values.end();
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

Result<std::vector<std::uint64_t>> layers_of(const fb::TensorRuleT& rule, const std::string& pattern, const Layers& layers,
                                             const Json& config) {
  if (!has_layer(pattern))
    return std::vector<std::uint64_t>{no_layer};
  std::uint64_t first = 0, end = layers.end();
  if (!rule.first_layer.empty()) {
    HEIRLOOM_TRY(first, number_of(config, rule.first_layer));
  }
  if (!rule.end_layer.empty()) {
    HEIRLOOM_TRY(end, number_of(config, rule.end_layer));
  }
  const Json::Array* list = nullptr;
  if (!rule.layer_key.empty()) {
    HEIRLOOM_TRY(list, layer_list(rule, layers.count(), config));
  }
  std::vector<std::uint64_t> wanted;
  for (std::uint64_t layer = first; layer < std::min(end, layers.end()); ++layer)
    if (layers.contains(rule.layers, layer) && (list == nullptr || is_value((*list)[layer], rule.layer_values)))
      wanted.push_back(layer);
  return wanted;
}

}  // namespace heirloom::arch
