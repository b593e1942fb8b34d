// Model configuration (config.json) <-> GGUF keys, as a map says. Pure functions.
//
// normalize() first brings the spellings of several transformers releases to one: "rope_parameters" becomes
// "rope_scaling" and "rope_theta", "rope_scaling.type" becomes "rope_scaling.rope_type", "dtype" becomes "torch_dtype", and
// the members of "text_config" stand beside those of the whole.
#pragma once

#include "engine/arch/map.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace heirloom::arch {

model::Json normalize(const model::Json& config);

// A normalized configuration with what its silence means to the map (ConfigRule.default_json, KeyRule.default_json).
Result<model::Json> complete(const Map& map, const model::Json& config);

// A normalized configuration with what tensors tell where it is silent (ConfigRule.counted), in the names of GGUF or of
// Hugging Face.
model::Json with_counts(const Map& map, model::Json config, const std::set<std::string, std::less<>>& names, bool is_gguf);

Result<std::uint64_t> layer_count(const Map& map, const model::Json& config);

// Size of the tokenizer, a multiple of Architecture.vocab_multiple.
Result<std::uint64_t> vocab_size(const Map& map, const model::Json& config);

// Sets a member by dotted path, making objects on the way.
void set_at(model::Json& json, std::string_view path, model::Json value);

// True when there is no condition or the configuration meets it.
bool holds(const fb::ConditionT* condition, const model::Json& config);

// A whole number that the configuration must have, e.g. the number of layers. Errors name the key.
Result<std::uint64_t> whole_number(const model::Json& config, std::string_view key);
// Head size: "head_dim", or hidden_size / num_attention_heads.
Result<std::uint64_t> head_dim(const model::Json& config);

// Refuses values with which the map would be wrong (ConfigRule.allowed, .repeats, .equals, .same_as).
Result<void> check_allowed(const Map& map, const model::Json& config);

// What a GGUF will not say though it matters (ConfigRule.unsaid): a warning each.
std::vector<std::string> unsaid_of(const Map& map, const model::Json& config);

// "rope_scaling" (and a "rope_parameters" that normalize() leaves) is an object, null or absent.
Result<void> check_rope_scaling(const model::Json& config);

struct ConfigKeys {
  std::vector<Attr> early;     // KeyRule.is_early
  std::vector<Attr> attrs;     // the others, in the map's order
  std::set<std::string> used;  // configuration keys (dotted paths) that became keys
};
Result<ConfigKeys> keys_from_config(const Map& map, const model::Json& config, std::uint32_t file_type);

// What the way back needs to know of the GGUF's tensors.
struct TensorFacts {
  std::set<std::string, std::less<>> names;
  std::vector<std::pair<std::string, std::uint64_t>> rows;  // name, rows
  std::vector<std::pair<std::string, std::string>> encodings = {};  // name, encoding
};

// config.json from GGUF keys. `recorded` is the source's own config.json where the file carries it (else null): it is
// the starting point, and keys whose GGUF value it does not give are set from the GGUF.
Result<model::Json> config_from_keys(const Map& map, const std::vector<Attr>& attrs, const TensorFacts& tensors,
                                     const model::Json& recorded);

}  // namespace heirloom::arch
