#include "engine/arch/derive.hpp"

#include "engine/arch/shape.hpp"
#include "engine/base/text.hpp"
#include "heirloom/checked.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace heirloom::arch {
namespace {

using model::Json;

bool is_present(const Json* json) { return json != nullptr && !json->is_null(); }

Error in_config(std::string message) { return {Code::malformed, std::move(message), no_position, "config.json"}; }

Result<std::uint64_t> hidden_per_head(const Json& config) {
  HEIRLOOM_TRY(const std::uint64_t hidden, whole_number(config, "hidden_size"));
  HEIRLOOM_TRY(const std::uint64_t heads, first_whole_number(config, {"num_attention_heads", "n_head"}));
  if (heads == 0 || hidden % heads != 0)
    return fail(in_config("hidden_size " + std::to_string(hidden) + " is not a multiple of num_attention_heads " +
                          std::to_string(heads)));
  return hidden / heads;
}

Result<std::uint64_t> half(std::uint64_t size, std::string_view what) {
  if (size % 2 != 0)
    return fail(in_config(std::string(what) + " " + std::to_string(size) + " cannot be rotated in pairs"));
  return size / 2;
}

Result<std::uint64_t> half_head_dim(const Json& config) {
  HEIRLOOM_TRY(const std::uint64_t size, head_dim(config));
  return half(size, "head size");
}

Result<std::uint64_t> half_rotary_dim(const Json& config) {
  for (const char* path : {"partial_rotary_factor", "rope_scaling.partial_rotary_factor", "rotary_pct"})
    if (const Json* share = config.at(path); is_present(share)) {
      HEIRLOOM_TRY(const Json rotated, rotary_dim(config, path, *share));
      return half(static_cast<std::uint64_t>(rotated.integer().value_or(0)), "the rotated part of a head,");
    }
  return half_head_dim(config);
}

Result<double> context(const Json& config, const std::vector<std::string>& keys) {
  HEIRLOOM_TRY(const std::uint64_t length, first_whole_number(config, keys));
  if (length < 2)
    return fail(in_config("a context of " + std::to_string(length) + " is too short"));
  return static_cast<double>(length);
}

// What KeyRule.plus adds; keys about which the configuration is silent add nothing.
Result<std::uint64_t> sum_of(const fb::KeyRuleT& rule, const Json& config) {
  std::uint64_t sum = 0;
  for (const std::string& key : rule.plus) {
    if (!is_present(config.at(key)))
      continue;
    HEIRLOOM_TRY(const std::uint64_t more, whole_number(config, key));
    HEIRLOOM_TRY(sum, checked::add(sum, more));
  }
  return sum;
}

}  // namespace

Result<std::uint64_t> head_dim(const Json& config) {
  return is_present(config.at("head_dim")) ? whole_number(config, "head_dim") : hidden_per_head(config);
}

Result<Json> rotary_dim(const Json& config, std::string_view path, const Json& share) {
  const auto number = share.number();
  if (!number || !(*number > 0) || *number > 1)
    return fail(in_config("configuration key " + base::quoted(path) + " is " + share.dump() + ", not a number above 0, up to 1"));
  HEIRLOOM_TRY(const std::uint64_t size, head_dim(config));
  return Json(static_cast<std::int64_t>(static_cast<double>(size) * *number));
}

std::optional<Result<std::uint64_t>> derived_number(const Json& config, std::string_view name) {
  if (name == "head_dim")
    return head_dim(config);
  if (name == "half_head_dim")
    return half_head_dim(config);
  if (name == "half_rotary_dim")
    return half_rotary_dim(config);
  if (name == "hidden_per_head")
    return hidden_per_head(config);
  return std::nullopt;
}

bool is_computed(const fb::KeyRuleT& rule) { return !rule.plus.empty() || !rule.times.empty() || rule.scale != 1; }

Result<Json> computed(const fb::KeyRuleT& rule, const Json& config, std::string_view path, Json value) {
  if (!is_computed(rule))
    return value;
  const auto number = value.number();
  if (!number)
    return fail(in_config("configuration key " + base::quoted(path) + " is " + value.dump() + ", not a number"));
  if (rule.scale != 1)
    return Json(*number * rule.scale);
  std::uint64_t whole = static_cast<std::uint64_t>(value.integer().value_or(-1));
  if (!value.integer() || *value.integer() < 0)
    return fail(in_config("configuration key " + base::quoted(path) + " is " + value.dump() + ", not a whole number from 0 on"));
  for (const std::string& key : rule.times) {
    HEIRLOOM_TRY(const std::uint64_t factor, number_of(config, key));
    HEIRLOOM_TRY(whole, checked::mul(whole, factor));
  }
  HEIRLOOM_TRY(const std::uint64_t more, sum_of(rule, config));
  HEIRLOOM_TRY(whole, checked::add(whole, more));
  return Json(static_cast<std::int64_t>(std::min<std::uint64_t>(whole, INT64_MAX)));
}

Result<Json> uncomputed(const fb::KeyRuleT& rule, const Json& config, std::string_view path, Json value) {
  if (!is_computed(rule))
    return value;
  const Error wrong = Error{Code::malformed, "key " + base::quoted(path) + " has the value " + value.dump() +
                                                 ", which does not go with the others"};
  if (rule.scale != 1) {
    const auto number = value.number();
    return number ? Result<Json>(Json(shortest(static_cast<float>(*number / rule.scale)))) : fail(wrong);
  }
  const auto number = value.integer();
  HEIRLOOM_TRY(const std::uint64_t more, sum_of(rule, config));
  if (!number || *number < 0 || static_cast<std::uint64_t>(*number) < more)
    return fail(wrong);
  std::uint64_t whole = static_cast<std::uint64_t>(*number) - more;
  for (const std::string& key : rule.times) {
    HEIRLOOM_TRY(const std::uint64_t factor, number_of(config, key));
    if (factor == 0 || whole % factor != 0)
      return fail(wrong);
    whole /= factor;
  }
  return Json(static_cast<std::int64_t>(whole));
}

double shortest(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  double parsed = value;
  std::from_chars(text, end, parsed);
  return parsed;
}

Result<Json> longrope_attn_factor(const Json& config) {
  const Json* factors = config.at("rope_scaling.long_factor");
  if (factors == nullptr || factors->array() == nullptr || factors->array()->empty())
    return Json();
  HEIRLOOM_TRY(const double longest, context(config, {"max_position_embeddings"}));
  HEIRLOOM_TRY(const double original,
               context(config, {"rope_scaling.original_max_position_embeddings", "original_max_position_embeddings"}));
  const double scale = longest / original;
  const Json* kind = config.at("rope_scaling.rope_type");
  const bool is_yarn = kind != nullptr && kind->text() != nullptr && *kind->text() == "yarn";
  if (scale <= 1)
    return Json(1.0);
  return Json(is_yarn ? 0.1 * std::log(scale) + 1 : std::sqrt(1 + std::log(scale) / std::log(original)));
}

std::optional<double> number_in(std::string_view text) {
  double number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  return error == std::errc() && end == last ? std::optional(number) : std::nullopt;
}

}  // namespace heirloom::arch
