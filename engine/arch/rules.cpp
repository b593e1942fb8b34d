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

Result<Layers> layers_of(const fb::TensorRuleT& rule, std::uint64_t layers, const Json& config) {
  Layers made{0, layers};
  if (!rule.first_layer.empty()) {
    HEIRLOOM_TRY(made.first, number_of(config, rule.first_layer));
  }
  if (!rule.end_layer.empty()) {
    HEIRLOOM_TRY(made.end, number_of(config, rule.end_layer));
    made.end = std::min(made.end, layers);
  }
  if (!rule.layer_key.empty()) {
    HEIRLOOM_TRY(const Json::Array* list, layer_list(rule, layers, config));
    for (const Json& value : *list)
      made.chosen.push_back(is_value(value, rule.layer_values));
  }
  return made;
}

}  // namespace heirloom::arch
