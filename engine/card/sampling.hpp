// The sampling keys: generation_config.json's name, GGUF's and its type. Source: formats/facts/model-card.md#sampling.
#pragma once

#include "heirloom/nouns.hpp"

#include <array>
#include <string_view>

namespace heirloom::card {

struct SamplingKey {
  std::string_view config_key;
  std::string_view gguf_key;
  AttrType type;
};

inline constexpr std::array sampling_keys = {
    SamplingKey{"sequence", "general.sampling.sequence", AttrType::string},
    SamplingKey{"top_k", "general.sampling.top_k", AttrType::i32},
    SamplingKey{"top_p", "general.sampling.top_p", AttrType::f32},
    SamplingKey{"min_p", "general.sampling.min_p", AttrType::f32},
    SamplingKey{"xtc_probability", "general.sampling.xtc_probability", AttrType::f32},
    SamplingKey{"xtc_threshold", "general.sampling.xtc_threshold", AttrType::f32},
    SamplingKey{"temperature", "general.sampling.temp", AttrType::f32},
    SamplingKey{"penalty_last_n", "general.sampling.penalty_last_n", AttrType::i32},
    SamplingKey{"penalty_repeat", "general.sampling.penalty_repeat", AttrType::f32},
    SamplingKey{"mirostat", "general.sampling.mirostat", AttrType::i32},
    SamplingKey{"mirostat_tau", "general.sampling.mirostat_tau", AttrType::f32},
    SamplingKey{"mirostat_eta", "general.sampling.mirostat_eta", AttrType::f32},
};

}  // namespace heirloom::card
