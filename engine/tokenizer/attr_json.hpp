// A GGUF key and its value as JSON: {"key": ..., "type": "u32", "value": 7}, arrays as "type": "array:u32". Internal to
// the module.
#pragma once

#include "engine/model/json.hpp"
#include "heirloom/nouns.hpp"

#include <optional>

namespace heirloom::tokenizer {

// Null for what JSON cannot hold: numbers that are not finite, text that is not UTF-8.
model::Json attr_to_json(const Attr& attr);
// nullopt for what is no such object.
std::optional<Attr> attr_from_json(const model::Json& json);

}  // namespace heirloom::tokenizer
