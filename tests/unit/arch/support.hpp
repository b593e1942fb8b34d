// Checkpoints as a map wants them, built from the map itself.
#pragma once

#include "engine/arch/config.hpp"
#include "engine/arch/map.hpp"
#include "engine/arch/pattern.hpp"
#include "engine/arch/shape.hpp"
#include "engine/arch/tensors.hpp"

#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::test {

inline const arch::Maps& maps() {
  static const arch::Maps all = arch::Maps::load({}).value();
  return all;
}

inline const arch::Map& map_named(std::string_view id) {
  for (const auto& map : maps().all())
    if (map->id == id)
      return *map;
  throw std::runtime_error("no such map");
}

inline model::Json json(std::string_view text) { return model::parse_json(text).value(); }

inline model::Json llama_config() {
  return json(R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 16, "intermediate_size": 24,
    "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 2, "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "vocab_size": 32, "hidden_act": "silu"})");
}

// Every tensor that the map's rules name, optional ones too, in the shapes that llama_config() gives them.
inline Checkpoint every_tensor(const arch::Map& map, std::uint64_t layers) {
  Checkpoint checkpoint{"safetensors"};
  checkpoint.encodings = {{"f32", 1, 4}};
  for (const auto& rule : map.tensors) {
    if (rule->hf.empty())
      continue;
    for (std::uint64_t i = 0; i < (arch::has_layer(rule->hf) ? layers : 1); ++i)
      checkpoint.tensors.push_back({arch::expand(rule->hf, i), "f32", arch::shape_of(*rule, llama_config()).value()});
  }
  return checkpoint;
}

inline std::vector<std::uint32_t> all_of(const Checkpoint& checkpoint) {
  std::vector<std::uint32_t> order(checkpoint.tensors.size());
  std::iota(order.begin(), order.end(), 0u);
  return order;
}

}  // namespace heirloom::test
