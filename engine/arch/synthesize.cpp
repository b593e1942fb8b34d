#include "engine/arch/config.hpp"
#include "engine/arch/derive.hpp"
#include "engine/arch/shape.hpp"
#include "engine/arch/tensors.hpp"
#include "engine/base/text.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace heirloom::arch {
namespace {

using model::Json;

constexpr double two_pi = 6.283185307179586;

struct Llama3Scaling {
  double factor = 8.0;
  double low_freq_factor = 1.0;
  double high_freq_factor = 4.0;
  double original_context = 8192.0;
};

// Binary32 arithmetic in the reference's order; the power alone is taken in binary64 and rounded, which does not
// depend on the platform's powf.
std::vector<float> divisors_of(std::uint64_t head_size, double theta, const Llama3Scaling& scaling) {
  const double low_wavelength = scaling.original_context / scaling.low_freq_factor;
  const double high_wavelength = scaling.original_context / scaling.high_freq_factor;
  std::vector<float> divisors;
  for (std::uint64_t i = 0; i < head_size; i += 2) {
    const float exponent = static_cast<float>(i) / static_cast<float>(head_size);
    const float frequency = 1.0f / static_cast<float>(std::pow(theta, static_cast<double>(exponent)));
    const float wavelength = static_cast<float>(two_pi) / frequency;
    if (wavelength < high_wavelength) {
      divisors.push_back(1.0f);
    } else if (wavelength > low_wavelength || scaling.low_freq_factor == scaling.high_freq_factor) {
      divisors.push_back(static_cast<float>(scaling.factor));
    } else {
      const float smooth =
          (static_cast<float>(scaling.original_context) / wavelength - static_cast<float>(scaling.low_freq_factor)) /
          static_cast<float>(scaling.high_freq_factor - scaling.low_freq_factor);
      divisors.push_back(1.0f / ((1.0f - smooth) / static_cast<float>(scaling.factor) + smooth));
    }
  }
  return divisors;
}

// A positive number that binary32 holds; `otherwise` where the configuration is silent.
Result<double> positive_number(const Json& config, std::string_view path, double otherwise) {
  const Json* value = config.at(path);
  if (value == nullptr || value->is_null())
    return otherwise;
  const auto number = value->number();
  if (!number || !(*number > 0) || *number > static_cast<double>(std::numeric_limits<float>::max()))
    return fail(Error{Code::malformed, "configuration key " + base::quoted(path) + " is " + value->dump() +
                                           ", not a finite number greater than 0", no_position, "config.json"});
  return *number;
}

Result<double> rope_theta(const Json& config) { return positive_number(config, "rope_theta", 10000.0); }

Result<Llama3Scaling> read_scaling(const Json& config) {
  const Llama3Scaling defaults;
  Llama3Scaling scaling;
  HEIRLOOM_TRY(scaling.factor, positive_number(config, "rope_scaling.factor", defaults.factor));
  HEIRLOOM_TRY(scaling.low_freq_factor, positive_number(config, "rope_scaling.low_freq_factor", defaults.low_freq_factor));
  HEIRLOOM_TRY(scaling.high_freq_factor,
               positive_number(config, "rope_scaling.high_freq_factor", defaults.high_freq_factor));
  HEIRLOOM_TRY(scaling.original_context, positive_number(config, "rope_scaling.original_max_position_embeddings",
                                                         defaults.original_context));
  if (!(scaling.high_freq_factor >= scaling.low_freq_factor))
    return fail(Error{Code::malformed, "rope_scaling is of kind llama3 but its high_freq_factor is less than its "
                                       "low_freq_factor", no_position, "config.json"});
  return scaling;
}

// Llama 3.1, 3.2 and 4 Scout, and EXAONE 4 as published.
constexpr Llama3Scaling published[] = {
    {8.0, 1.0, 4.0, 8192.0}, {32.0, 1.0, 4.0, 8192.0}, {16.0, 1.0, 1.0, 8192.0}, {16.0, 1.0, 4.0, 8192.0}};

// A path of the text model's key.
std::string in_text_model(const Json& config, std::string_view path) {
  const Json* text = config.find("text_config");
  return (text != nullptr && text->object() != nullptr ? "text_config." : "") + std::string(path);
}

// The list of numbers at a path.
Result<std::vector<float>> numbers_at(const Json& config, const std::string& path) {
  const Json* list = config.at(path);
  std::vector<float> values;
  if (list != nullptr && list->array() != nullptr)
    for (const Json& item : *list->array()) {
      const auto number = item.number();
      if (!number || !std::isfinite(static_cast<float>(*number)))
        return fail(Error{Code::malformed, "configuration key " + base::quoted(path) + " holds " + item.dump() +
                                               ", not a finite number", no_position, "config.json"});
      values.push_back(static_cast<float>(*number));
    }
  if (values.empty())
    return fail(Error{Code::malformed, "configuration key " + base::quoted(path) + " is not a list of numbers", no_position,
                      "config.json"});
  return values;
}

// Of a share of the pairs the divisor is 1; the others turn so slowly that they stand still
// (formats/facts/architectures.md#rope-freqs).
Result<std::vector<float>> rope_freqs_proportional(const Json& config) {
  constexpr std::uint64_t max_head_size = 1u << 16;
  HEIRLOOM_TRY(const std::uint64_t head_size, first_whole_number(config, {"global_head_dim", "head_dim"}));
  HEIRLOOM_TRY(const double share, positive_number(config, "rope_scaling.full_attention.partial_rotary_factor", 1.0));
  if (share > 1 || head_size % 2 != 0 || head_size > max_head_size)
    return fail(Error{Code::malformed, "a head of " + std::to_string(head_size) + " cannot be rotated in a share of " +
                                           std::to_string(share), no_position, "config.json"});
  const auto rotated = static_cast<std::size_t>(static_cast<double>(head_size) * share / 2);
  std::vector<float> values(head_size / 2, 1e30f);
  std::fill_n(values.begin(), rotated, 1.0f);
  return values;
}

Result<void> restore_proportional(const std::vector<float>& values, Json& config) {
  constexpr std::string_view path = "rope_parameters.full_attention.partial_rotary_factor";
  const auto rotated = static_cast<std::size_t>(std::count(values.begin(), values.end(), 1.0f));
  std::vector<float> wanted(values.size(), 1e30f);
  std::fill_n(wanted.begin(), rotated, 1.0f);
  if (values.empty() || values != wanted)
    return fail(Code::unsupported, "these RoPE divisors are not 1 and then 1e30, so config.json cannot say them");
  const auto known = rope_freqs_proportional(normalize(config));
  if (!known || *known != values)
    set_at(config, in_text_model(config, path), Json(static_cast<double>(rotated) / static_cast<double>(values.size())));
  return {};
}

bool equals_list(const Json& config, const std::string& path, const std::vector<float>& values) {
  const auto known = numbers_at(config, path);
  return known && *known == values;
}

Result<void> restore_llama3(const std::vector<float>& values, Json& config) {
  const Json normalized = normalize(config);
  const Json* known = normalized.at("rope_scaling.rope_type");
  if (known != nullptr && known->text() != nullptr && *known->text() == "llama3")
    if (const auto computed = rope_freqs_llama3(normalized); computed && *computed == values)
      return {};
  Json scaling = infer_rope_scaling_llama3(normalized, values);
  if (scaling.is_null())
    return fail(Code::unsupported, "these RoPE divisors come from no published rope_scaling, so config.json cannot say them; "
                                   "--as-is keeps the tensor");
  set_at(config, in_text_model(config, "rope_scaling"), std::move(scaling));
  return {};
}

}  // namespace

Result<std::vector<float>> synthesize(const fb::TensorRuleT& rule, const Json& config) {
  if (rule.synthesize == "rope_freqs_llama3")
    return rope_freqs_llama3(config);
  if (rule.synthesize == "rope_freqs_proportional")
    return rope_freqs_proportional(config);
  if (rule.synthesize != "values")
    return fail(Code::unsupported, "the map synthesizes " + base::quoted(rule.synthesize) + ", which is not implemented");
  HEIRLOOM_TRY(auto values, numbers_at(config, rule.values_of));
  HEIRLOOM_TRY(const auto shape, shape_of(rule.shape, config));
  if (!shape.empty() && shape != std::vector<std::uint64_t>{values.size()})
    return fail(Error{Code::malformed, "configuration key " + base::quoted(rule.values_of) + " holds " +
                                           std::to_string(values.size()) + " numbers, not " + std::to_string(shape.front()),
                      no_position, "config.json"});
  return values;
}

Result<void> restore_synthesized(const fb::TensorRuleT& rule, const std::vector<float>& values, Json& config) {
  if (rule.synthesize == "rope_freqs_llama3")
    return restore_llama3(values, config);
  if (rule.synthesize == "rope_freqs_proportional")
    return restore_proportional(values, config);
  if (rule.synthesize != "values" || equals_list(normalize(config), rule.values_of, values))
    return {};
  Json::Array list;
  for (const float value : values)
    list.push_back(Json(shortest(value)));
  set_at(config, in_text_model(config, rule.values_of), Json(std::move(list)));
  return {};
}

Result<std::vector<float>> rope_freqs_llama3(const Json& config) {
  HEIRLOOM_CHECK(check_rope_scaling(config));
  HEIRLOOM_TRY(const Llama3Scaling scaling, read_scaling(config));
  HEIRLOOM_TRY(const double theta, rope_theta(config));
  HEIRLOOM_TRY(const std::uint64_t head_size, head_dim(config));
  constexpr std::uint64_t max_head_size = 1u << 16;
  if (head_size == 0 || head_size % 2 != 0 || head_size > max_head_size)
    return fail(Error{Code::malformed, "head size " + std::to_string(head_size) + " cannot be rotated in pairs",
                      no_position, "config.json"});
  return divisors_of(head_size, theta, scaling);
}

Json infer_rope_scaling_llama3(const Json& config, const std::vector<float>& divisors) {
  const std::uint64_t head_size = head_dim(config).value_or(0);
  const double theta = rope_theta(config).value_or(0.0);
  if (head_size == 0 || theta <= 0 || divisors.size() * 2 != head_size)
    return Json();
  for (const Llama3Scaling& scaling : published) {
    if (divisors_of(head_size, theta, scaling) != divisors)
      continue;
    Json found{Json::Object{}};
    found.set("factor", Json(scaling.factor));
    found.set("low_freq_factor", Json(scaling.low_freq_factor));
    found.set("high_freq_factor", Json(scaling.high_freq_factor));
    found.set("original_max_position_embeddings", Json(static_cast<std::int64_t>(scaling.original_context)));
    found.set("rope_type", Json(std::string("llama3")));
    return found;
  }
  return Json();
}

}  // namespace heirloom::arch
