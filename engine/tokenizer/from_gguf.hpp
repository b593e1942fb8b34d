// The way back from GGUF keys to Hugging Face files. Internal to the module.
#pragma once

#include "engine/tokenizer/source.hpp"
#include "engine/tokenizer/special_tokens.hpp"
#include "engine/tokenizer/vocabulary.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace heirloom::tokenizer {

struct GgufSource {
  Vocabulary vocabulary;
  std::array<std::optional<std::uint32_t>, role_count> ids;      // of special tokens, all in the vocabulary
  std::array<std::optional<bool>, role_count> additions;
  std::optional<bool> adds_space_prefix;
  std::optional<bool> removes_extra_whitespaces;
  std::optional<bool> lowers, strips_accents;                    // WordPiece
  std::vector<std::uint8_t> character_map;                       // Unigram
  std::vector<ChatTemplate> templates;

  // Text of a special token; null when there is none.
  const std::string* text_of(Role role) const;
  bool is_special_token(std::uint64_t id) const;  // does a role name it?
};

struct HuggingFaceFiles {
  model::Json tokenizer_json;                            // null when it cannot be derived
  model::Json tokenizer_config;
  std::optional<std::vector<std::uint8_t>> tokenizer_model = {};
  std::optional<std::string> vocab_text = {};            // vocab.txt
};

Result<HuggingFaceFiles> write_byte_level_bpe(const GgufSource& gguf);
Result<HuggingFaceFiles> write_sentencepiece(const GgufSource& gguf);
Result<HuggingFaceFiles> write_gemma4(const GgufSource& gguf);
Result<HuggingFaceFiles> write_wordpiece(const GgufSource& gguf);
Result<HuggingFaceFiles> write_unigram(const GgufSource& gguf);

// No token is empty or not UTF-8.
Result<void> check_utf8(const std::vector<Token>& tokens);
bool has_byte_tokens(const GgufSource& gguf);

// tokenizer_config.json. `says_separator`: the post-processor already says whether a separator is added.
model::Json write_tokenizer_config(const GgufSource& gguf, const std::vector<AddedToken>& added,
                                   std::string_view tokenizer_class, bool says_separator);

// TemplateProcessing with the tokens that are added; null when none are.
model::Json write_template(const GgufSource& gguf);
// Parts of it: "SpecialToken" or "Sequence", and what a special token stands for.
model::Json template_part(std::string_view kind, std::string_view id, std::uint64_t type_id);
std::pair<std::string, model::Json> template_token(const std::string& text, std::uint64_t id);

model::Json write_added_tokens(const std::vector<AddedToken>& added);

// Merges in order of rank that make the pieces of a SentencePiece BPE model by their scores; nullopt when the scores do
// not rank them, or it would take too long.
std::optional<std::vector<std::string>> derive_merges(const std::vector<Token>& tokens);

// Short forms for building trees.
model::Json json_text(std::string_view text);
model::Json json_flag(bool flag);
model::Json json_number(std::uint64_t number);
model::Json json_object(model::Json::Object members);
model::Json json_array(model::Json::Array elements);

}  // namespace heirloom::tokenizer
