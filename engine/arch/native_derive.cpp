#include "engine/arch/native_derive.hpp"

#include "engine/arch/config.hpp"
#include "engine/base/text.hpp"

#include <charconv>
#include <cmath>
#include <map>

namespace heirloom::arch {
namespace {

using model::Json;

constexpr std::uint64_t max_layers = 65'536;
constexpr std::string_view block_key = "model.block";
constexpr std::string_view window_key = "model.block.attention.sliding_window";

Error wrong(std::string message) { return {Code::unsupported, std::move(message), no_position, "config.json"}; }

Result<std::uint64_t> layers_of(const Json& configuration) {
  HEIRLOOM_TRY(const std::uint64_t layers, whole_number(configuration, "model.n_layers"));
  if (layers > max_layers)
    return fail(wrong(std::to_string(layers) + " layers are beyond the " + std::to_string(max_layers) + " that are taken"));
  return layers;
}

// A boolean member that is true where nothing is said (allenai/OLMo-core, SlidingWindowAttentionConfig).
bool is_forced(const Json& window, std::string_view key) {
  const Json* value = window.find(key);
  return value == nullptr || value->boolean() == nullptr || *value->boolean();
}

// Window of each layer, -1 for full attention: the pattern is repeated, beginning behind a first layer that is forced to
// full attention (OLMo-core, SlidingWindowAttentionConfig._get_window_size).
Result<std::vector<std::int64_t>> windows_of(const Json& configuration) {
  HEIRLOOM_TRY(const std::uint64_t layers, layers_of(configuration));
  std::vector<std::int64_t> windows(layers, -1);
  const Json* window = configuration.at(window_key);
  if (window == nullptr || window->is_null())
    return windows;
  const Json* pattern = window->find("pattern");
  if (pattern == nullptr || pattern->array() == nullptr || pattern->array()->empty())
    return fail(wrong("\"sliding_window\" has no pattern of window sizes"));
  const bool is_first_full = is_forced(*window, "force_full_attention_on_first_layer");
  const bool is_last_full = is_forced(*window, "force_full_attention_on_last_layer");
  for (std::uint64_t i = is_first_full ? 1 : 0; i < layers; ++i) {
    if (is_last_full && i + 1 == layers)
      continue;
    const auto size = (*pattern->array())[(i - (is_first_full ? 1 : 0)) % pattern->array()->size()].integer();
    if (!size || (*size <= 0 && *size != -1))
      return fail(wrong("a window size of \"sliding_window\" is neither -1 nor more than 0"));
    windows[i] = *size;
  }
  return windows;
}

Result<Json> layer_types(const Json& configuration) {
  HEIRLOOM_TRY(const auto windows, windows_of(configuration));
  Json::Array types;
  for (const std::int64_t window : windows)
    types.emplace_back(std::string(window == -1 ? "full_attention" : "sliding_attention"));
  return Json(std::move(types));
}

Result<Json> sliding_window(const Json& configuration) {
  HEIRLOOM_TRY(const auto windows, windows_of(configuration));
  std::int64_t common = -1;
  for (const std::int64_t window : windows) {
    if (window != -1 && common != -1 && window != common)
      return fail(wrong("layers have sliding windows of " + std::to_string(common) + " and of " + std::to_string(window) +
                        ", and config.json holds one"));
    common = window == -1 ? common : window;
  }
  return common == -1 ? Json() : Json(common);
}

// The block without what scales its rotations and without class names, to be compared.
Json without_scaling(const Json& json, std::string_view path) {
  const auto* object = json.object();
  if (object == nullptr)
    return json;
  Json::Object kept;
  for (const auto& [key, value] : *object) {
    const std::string member = std::string(path) + "." + key;
    if (key != "_CLASS_" && key != "type" && member != ".attention.rope.scaling" && !value.is_null())
      kept.emplace_back(key == "sequence_mixer" ? "attention" : key,
                        without_scaling(value, key == "sequence_mixer" ? std::string(path) + ".attention" : member));
  }
  return Json(std::move(kept));
}

bool is_equal(const Json& a, const Json& b) {
  const auto *first = a.object(), *second = b.object();
  if (first == nullptr || second == nullptr)
    return a.dump() == b.dump();
  if (first->size() != second->size())
    return false;
  for (const auto& [key, value] : *first)
    if (const Json* other = b.find(key); other == nullptr || !is_equal(value, *other))
      return false;
  return true;
}

Json scaling_of(const Json& block) {
  const Json* scaling = block.at("attention.rope.scaling");
  if (scaling == nullptr)
    scaling = block.at("sequence_mixer.rope.scaling");
  return scaling == nullptr ? Json() : *scaling;
}

double number_or(const Json& scaling, std::string_view key, double otherwise) {
  const Json* value = scaling.find(key);
  return value == nullptr ? otherwise : value->number().value_or(otherwise);
}

Json member_or(const Json& scaling, std::string_view key, Json otherwise) {
  const Json* value = scaling.find(key);
  return value == nullptr || value->is_null() ? otherwise : *value;
}

// In transformers' words (OLMo-core's to_hf_config; the defaults are its own).
Result<Json> in_transformers_words(const Json& scaling) {
  const Json* name = scaling.find("_CLASS_");
  const std::string kind = name == nullptr || name->text() == nullptr ? "" : *name->text();
  Json made{Json::Object{}};
  if (kind.ends_with(".YaRNRoPEScalingConfig") || (kind.empty() && scaling.find("beta_fast") != nullptr)) {
    made.set("rope_type", Json(std::string("yarn")));
    made.set("factor", member_or(scaling, "factor", Json(8.0)));
    made.set("original_max_position_embeddings", member_or(scaling, "old_context_len", Json(std::int64_t{8192})));
    made.set("beta_fast", member_or(scaling, "beta_fast", Json(std::int64_t{32})));
    made.set("beta_slow", member_or(scaling, "beta_slow", Json(std::int64_t{1})));
    made.set("attention_factor", Json(0.1 * std::log(number_or(scaling, "factor", 8.0)) + 1.0));
    return made;
  }
  if (number_or(scaling, "attention_rescale_factor", 1.0) != 1.0)
    return fail(wrong("config.json cannot say the attention_rescale_factor of this RoPE scaling"));
  if (kind.ends_with(".PIRoPEScalingConfig")) {
    made.set("rope_type", Json(std::string("linear")));
    made.set("factor", member_or(scaling, "factor", Json(2.0)));
    return made;
  }
  if (kind.ends_with(".StepwiseRoPEScalingConfig")) {
    made.set("rope_type", Json(std::string("llama3")));
    made.set("factor", member_or(scaling, "factor", Json(32.0)));
    made.set("original_max_position_embeddings", member_or(scaling, "old_context_len", Json(std::int64_t{8192})));
    made.set("low_freq_factor", Json(1.0 / (1.0 - number_or(scaling, "low_freq_proportion", 0.0))));
    made.set("high_freq_factor", Json(1.0 / number_or(scaling, "high_freq_proportion", 0.25)));
    return made;
  }
  return fail(wrong("config.json cannot say the RoPE scaling " + base::quoted(kind)));
}

// The blocks that replace the common one in some layers, by layer.
Result<std::map<std::uint64_t, Json>> overrides_of(const Json& configuration, std::uint64_t layers) {
  std::map<std::uint64_t, Json> overrides;
  const Json* all = configuration.at("model.block_overrides");
  if (all == nullptr || all->object() == nullptr)
    return overrides;
  for (const auto& [key, block] : *all->object()) {
    if (key == "_CLASS_")
      continue;
    std::uint64_t layer = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), layer);
    if (error != std::errc() || end != key.data() + key.size() || layer >= layers)
      return fail(wrong("\"block_overrides\" names a layer " + base::quoted(key) + " that is not there"));
    if (!is_equal(without_scaling(block, ""), without_scaling(*configuration.at(block_key), "")))
      return fail(wrong("layer " + key + " differs from the others in more than how rotations are scaled, which config.json cannot say"));
    overrides.emplace(layer, block);
  }
  return overrides;
}

// Of the layers with full attention, which have all the same; the others must have none.
Result<Json> rope_scaling(const Json& configuration) {
  HEIRLOOM_TRY(const auto windows, windows_of(configuration));
  HEIRLOOM_TRY(const auto overrides, overrides_of(configuration, windows.size()));
  const Json* block = configuration.at(block_key);
  const Json common = block == nullptr ? Json() : scaling_of(*block);
  bool is_first = true;
  Json found;
  for (std::uint64_t i = 0; i < windows.size(); ++i) {
    const auto special = overrides.find(i);
    const Json scaling = special == overrides.end() ? common : scaling_of(special->second);
    if (windows[i] != -1 && !scaling.is_null())
      return fail(wrong("layer " + std::to_string(i) + " has a sliding window and scaled rotations, which config.json cannot say"));
    if (windows[i] != -1)
      continue;
    if (!is_first && !is_equal(scaling, found))
      return fail(wrong("layers scale their rotations in different ways, which config.json cannot say"));
    found = scaling;
    is_first = false;
  }
  return found.is_null() ? Result<Json>(Json()) : in_transformers_words(found);
}

// With multiple_of 1 the reference rounds int(multiplier * int(8 * dim / 3)) no further: half a step above the quotient
// gives exactly this size (meta-llama/llama-models, FeedForward).
Result<Json> feed_forward_multiplier(const Json& config) {
  HEIRLOOM_TRY(const std::uint64_t dim, whole_number(config, "hidden_size"));
  HEIRLOOM_TRY(const std::uint64_t size, whole_number(config, "intermediate_size"));
  if (dim < 1 || dim > (1u << 24) || size > (1u << 28))
    return fail(wrong("\"hidden_size\" or \"intermediate_size\" is not a size of a feed-forward layer"));
  return Json((static_cast<double>(size) + 0.5) / static_cast<double>(8 * dim / 3));
}

// Of OLMo 1: half of what the fused projection makes (huggingface/transformers, convert_olmo_weights_to_hf.py).
Result<Json> olmo_feed_forward(const Json& configuration) {
  const Json* size = configuration.find("mlp_hidden_size");
  const bool has_size = size != nullptr && !size->is_null();
  HEIRLOOM_TRY(const std::uint64_t fused, whole_number(configuration, has_size ? "mlp_hidden_size" : "mlp_ratio"));
  HEIRLOOM_TRY(const std::uint64_t dim, whole_number(configuration, "d_model"));
  if (dim > (1u << 24) || fused > (1u << 28))
    return fail(wrong("\"d_model\" or the size of the feed-forward layers is too large"));
  return Json(static_cast<std::int64_t>((has_size ? fused : fused * dim) / 2));
}

}  // namespace

Result<Json> derive_config(std::string_view name, const Json& configuration) {
  if (name == "olmo_core_layer_types")
    return layer_types(configuration);
  if (name == "olmo_core_sliding_window")
    return sliding_window(configuration);
  if (name == "olmo_feed_forward")
    return olmo_feed_forward(configuration);
  if (name == "olmo_core_rope_scaling")
    return rope_scaling(configuration);
  return fail(Code::internal, "a native layout derives " + base::quoted(name) + ", which is not implemented");
}

Result<Json> derive_native(std::string_view name, const Json& config) {
  if (name == "head_dim") {
    HEIRLOOM_TRY(const std::uint64_t size, head_dim(config));
    return Json(static_cast<std::int64_t>(size));
  }
  if (name == "feed_forward_multiplier")
    return feed_forward_multiplier(config);
  return fail(Code::internal, "a native layout derives " + base::quoted(name) + ", which is not implemented");
}

}  // namespace heirloom::arch
