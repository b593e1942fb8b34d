#include "engine/arch/tensors.hpp"

#include "engine/arch/config.hpp"
#include "engine/arch/pattern.hpp"
#include "engine/arch/shape.hpp"
#include "engine/base/text.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace heirloom::arch {
namespace {

using model::Json;

enum class Way { to_gguf, to_hugging_face };

const std::string& pattern_of(const fb::TensorRuleT& rule, Way way, bool is_source) {
  return (way == Way::to_gguf) == is_source ? rule.hf : rule.gguf;
}

struct Match {
  const fb::TensorRuleT* rule = nullptr;
  std::uint64_t layer = no_layer;
};

Match find_rule(const Map& map, Way way, std::string_view name) {
  for (const auto& rule : map.tensors) {
    const std::string& pattern = pattern_of(*rule, way, true);
    if (pattern.empty())
      continue;
    if (const auto layer = match(pattern, name))
      return {rule.get(), *layer};
  }
  return {};
}

Result<std::vector<Step>> steps_of(const fb::TensorRuleT& rule, const Json& config, const Tensor& tensor, Way way) {
  std::vector<Step> steps;
  for (const auto& verb : rule.verbs) {
    HEIRLOOM_TRY(const std::uint64_t heads, first_whole_number(config, verb->heads));
    const std::uint64_t rows = tensor.shape.empty() ? 0 : tensor.shape.front();
    if (heads == 0 || rows == 0 || rows % (2 * heads) != 0)
      return fail(Error{Code::malformed, std::to_string(rows) + " rows are not whole pairs for the " +
                                             std::to_string(heads) + " heads that config.json names",
                        no_position, "", tensor.name});
    HEIRLOOM_TRY(const std::uint64_t head_size, head_dim(config));
    if (rows / heads != head_size)
      return fail(Error{Code::malformed, std::to_string(rows) + " rows are not the " + std::to_string(heads) + " heads of " +
                                             std::to_string(head_size) + " rows that config.json names",
                        no_position, "", tensor.name});
    steps.push_back({way == Way::to_gguf ? Operation::rope_permute : Operation::rope_unpermute, heads});
  }
  if (way == Way::to_hugging_face)
    std::reverse(steps.begin(), steps.end());
  return steps;
}

// Every rule that is not optional has found its tensor in every layer, an optional one in every layer or in none.
Result<void> check_complete(const Map& map, Way way, std::uint64_t layers, const Json& config,
                            const std::map<const fb::TensorRuleT*, std::set<std::uint64_t>>& found) {
  for (const auto& rule : map.tensors) {
    const std::string& pattern = pattern_of(*rule, way, true);
    if (pattern.empty() || pattern_of(*rule, way, false).empty())
      continue;
    const auto entry = found.find(rule.get());
    const bool is_optional = rule->optional || !holds(rule->when.get(), config);
    if (is_optional && entry == found.end())
      continue;
    const std::uint64_t wanted = has_layer(pattern) ? layers : 1;
    if (entry != found.end() && entry->second.size() == wanted)
      continue;
    std::uint64_t missing = 0;
    while (has_layer(pattern) && entry != found.end() && entry->second.contains(missing))
      ++missing;
    const std::string why = is_optional ? ", which it has for other layers"
                            : rule->when == nullptr
                                ? ", which every " + map.title + " model has"
                                : ", which a " + map.title + " model with this " + base::quoted(rule->when->key) + " has";
    return fail(Error{Code::malformed, "the checkpoint lacks this tensor" + why, no_position, "", expand(pattern, missing)});
  }
  return {};
}

Error unknown_tensor(const Map& map, const Tensor& tensor) {
  return {Code::unsupported, "the map \"" + map.id + "\" has no place for this tensor; --as-is keeps every tensor under its "
                                                     "own name, --arch-map brings another map", no_position, "", tensor.name};
}

Result<Mapping> map_tensors(const Map& map, const Checkpoint& checkpoint, const std::vector<std::uint32_t>& order,
                            const Json& config, Way way) {
  HEIRLOOM_TRY(const std::uint64_t layers, layer_count(map, config));
  HEIRLOOM_CHECK(check_rope_scaling(config));
  Mapping mapping;
  std::map<const fb::TensorRuleT*, std::set<std::uint64_t>> found;
  for (const std::uint32_t index : order) {
    const Tensor& tensor = checkpoint.tensors[index];
    const auto [rule, layer] = find_rule(map, way, tensor.name);
    if (rule == nullptr)
      return fail(unknown_tensor(map, tensor));
    if (layer != no_layer && layer >= layers)
      return fail(Error{Code::malformed, "layer " + std::to_string(layer) + " is beyond the " + std::to_string(layers) +
                                             " that the configuration names", no_position, "", tensor.name});
    HEIRLOOM_CHECK(check_shape(*rule, tensor, config));
    found[rule].insert(layer);
    const std::string& target = pattern_of(*rule, way, false);
    if (target.empty()) {
      mapping.dropped.push_back({index, rule->reason.empty() ? "computed from the configuration" : rule->reason});
      continue;
    }
    HEIRLOOM_TRY(auto steps, steps_of(*rule, config, tensor, way));
    mapping.tensors.push_back({expand(target, layer), tensor.shape, {index}, std::move(steps)});
  }
  HEIRLOOM_CHECK(check_complete(map, way, layers, config, found));
  return mapping;
}

}  // namespace

Result<Mapping> map_to_gguf(const Map& map, const Checkpoint& checkpoint, const std::vector<std::uint32_t>& order,
                            const Json& said) {
  HEIRLOOM_TRY(const Json config, complete(map, said));
  HEIRLOOM_CHECK(check_allowed(map, config));
  HEIRLOOM_TRY(Mapping mapping, map_tensors(map, checkpoint, order, config, Way::to_gguf));
  std::vector<MappedTensor> synthesized;
  for (const auto& rule : map.tensors) {
    if (rule->synthesize.empty() || !holds(rule->when.get(), config))
      continue;
    HEIRLOOM_TRY(auto values, synthesize(*rule, config));
    const std::uint64_t count = values.size();
    synthesized.push_back({rule->gguf, {count}, {}, {}, std::move(values)});
  }
  mapping.tensors.insert(mapping.tensors.begin(), std::make_move_iterator(synthesized.begin()),
                         std::make_move_iterator(synthesized.end()));
  return mapping;
}

Result<Mapping> map_to_hugging_face(const Map& map, const Checkpoint& checkpoint, const Json& said) {
  HEIRLOOM_TRY(const Json config, complete(map, said));
  std::vector<std::uint32_t> order(checkpoint.tensors.size());
  for (std::uint32_t i = 0; i < order.size(); ++i)
    order[i] = i;
  return map_tensors(map, checkpoint, order, config, Way::to_hugging_face);
}

}  // namespace heirloom::arch
