// Pre-tokenizers: from the structure of tokenizer.json to llama.cpp's name and back, by the table
// formats/tokenizers/pre_tokenizers.json (formats/facts/tokenizers.md#pre-tokenizers).
#pragma once

#include "engine/tokenizer/source.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::tokenizer {

// The name to write for a source. `wanted` is the user's choice or ""; an unknown structure is an error that lists the
// known names.
Result<std::string> find_pre_tokenizer(const Source& source, const std::string& wanted);

// What a name means in tokenizer.json.
struct PreTokenizer {
  model::Json steps;             // "pre_tokenizer"
  model::Json normalizer;        // "normalizer"
  bool ignores_merges = false;   // model.ignore_merges
};

Result<PreTokenizer> write_pre_tokenizer(std::string_view name);

}  // namespace heirloom::tokenizer
