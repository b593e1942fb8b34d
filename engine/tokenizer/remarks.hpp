// Remarks: what the standard fields of Hugging Face tokenizer files cannot say about a GGUF vocabulary, kept as the
// member "heirloom" of tokenizer_config.json so that the way back gives the same keys
// (formats/facts/tokenizers.md#remarks). Plain values.
#pragma once

#include "engine/tokenizer/source.hpp"
#include "engine/tokenizer/vocabulary.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace heirloom::tokenizer {

struct Remarks {
  std::string pre_tokenizer;                                     // one of the names that share a structure
  std::vector<std::pair<std::uint64_t, TokenType>> token_types;  // by id
  std::vector<Attr> keys;                                        // that no file gives, or not with this value
  std::vector<std::string> without;                              // names of keys that only the files give
  std::vector<std::string> key_order;                            // names of tokenizer keys

  bool empty() const {
    return pre_tokenizer.empty() && token_types.empty() && keys.empty() && without.empty() && key_order.empty();
  }
};

// Remarks are advice: what is not understood is passed over.
Remarks remarks_of(const Source& source);
model::Json to_json(const Remarks& remarks);

// Types of ids that do not exist are passed over.
void apply_token_types(const Remarks& remarks, std::vector<Token>& tokens);
// Keys replace those of the same name or are put last, and those that are to be without go. Arrays that do not fit each other afterwards are an error.
Result<void> apply_keys(const Remarks& remarks, std::vector<Attr>& attrs);
// Keys that are not listed keep their place behind the listed ones.
void apply_key_order(const Remarks& remarks, std::vector<Attr>& attrs);

}  // namespace heirloom::tokenizer
