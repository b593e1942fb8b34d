// The tokenizer's files of a Hugging Face model, read and parsed; what is absent stays empty.
#pragma once

#include "engine/model/json.hpp"
#include "engine/tokenizer/tokenizer.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::tokenizer {

inline constexpr std::string_view tokenizer_json_name = "tokenizer.json";
inline constexpr std::string_view tokenizer_config_name = "tokenizer_config.json";
inline constexpr std::string_view tokenizer_model_name = "tokenizer.model";
inline constexpr std::string_view tiktoken_model_name = "tiktoken.model";
inline constexpr std::string_view vocab_text_name = "vocab.txt";

// An entry of tokenizer.json's added_tokens or of tokenizer_config.json's added_tokens_decoder.
struct AddedToken {
  std::uint64_t id = 0;
  std::string text;
  bool is_special = false;
  bool is_normalized = false;
  bool strips_left = false, strips_right = false, is_single_word = false;
};

struct Source {
  model::Json tokenizer_json;      // null values where the file is absent
  model::Json tokenizer_config;
  model::Json special_tokens_map;
  model::Json added_tokens_json;   // text -> id
  model::Json config;
  std::optional<std::vector<std::uint8_t>> tokenizer_model;
  std::optional<std::string> tiktoken_text;
  std::optional<std::string> vocab_text;       // WordPiece, one token a line
  std::optional<std::string> merges_text;
  std::optional<std::string> chat_template_jinja;
  model::Json chat_template_json;

  std::vector<AddedToken> added_tokens;          // of tokenizer.json, in the file's order
  std::vector<AddedToken> added_tokens_decoder;  // of tokenizer_config.json, in the file's order

  bool has_tokenizer_json() const { return tokenizer_json.object() != nullptr; }
  // Member of tokenizer.json's model; null when absent.
  const model::Json* model_member(std::string_view name) const;
  // "BPE" ...; "" when absent.
  std::string_view model_type() const;
};

Result<Source> read_source(const ReadFile& read_file);

// The steps of tokenizer.json's normalizer and pre_tokenizer, with nested sequences opened.
std::vector<const model::Json*> normalizers_of(const Source& source);
std::vector<const model::Json*> pre_tokenizer_steps(const Source& source);

// The text of a special token: a string, or an object with "content". Null when it is neither.
const std::string* token_text(const model::Json* entry);

// A flag; `fallback` when absent or no boolean.
bool flag_or(const model::Json* entry, bool fallback);

// Text of a member; "" when absent or no string.
std::string_view text_member(const model::Json& object, std::string_view name);

// A token id: an integer from 0 below max_vocab_size. The error names the token.
Result<std::uint64_t> token_id(const model::Json& value, std::string_view text);

// Does a token look like a control token although its file does not say so (formats/facts/tokenizers.md#token-types)?
bool looks_special(std::string_view text);

// U+2581 to spaces.
std::string with_spaces(std::string text);

// For messages: in quotes, cut after some 60 bytes.
std::string quoted_token(std::string_view text);

}  // namespace heirloom::tokenizer
