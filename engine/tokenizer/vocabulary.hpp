// A vocabulary in GGUF's terms, and the way there from numbered tokens that come in any order and with gaps.
// Plain values; no threads.
#pragma once

#include "heirloom/nouns.hpp"
#include "heirloom/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::tokenizer {

// tokenizer.ggml.token_type (formats/facts/tokenizers.md#token-types).
enum class TokenType : std::int32_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

struct Token {
  std::string text;
  float score = 0;
  TokenType type = TokenType::unused;
};

struct Vocabulary {
  std::string model;                  // tokenizer.ggml.model: "gpt2", "llama", "bert", "t5" or "gemma4"
  std::string pre;                    // tokenizer.ggml.pre; "" where the model has none
  std::vector<Token> tokens;          // by id
  bool has_scores = false;
  bool adds_space_prefix = true;      // what tokenizer.model says
  std::vector<std::string> merges;    // "left right"
  std::vector<Attr> first_keys;       // of the model, before its name
  std::vector<Attr> more_keys;        // behind the token types
};

struct NumberedToken {
  std::uint64_t id = 0;
  Token token;
};

inline constexpr std::uint64_t max_vocab_size = 1u << 24;
// Ids that no token has cost memory that no file pays for.
inline constexpr std::uint64_t max_padding_tokens = 1u << 20;
inline constexpr float padding_score = -10000;
inline constexpr float added_score = -1000;

std::string padding_text(std::uint64_t id);  // "[PAD7]"

// The size is an error when it exceeds the limits or leaves too many ids without a token.
Result<void> check_vocab_size(std::uint64_t vocab_size, std::uint64_t token_count);

// `vocab_size` tokens: a later one of the same id replaces an earlier, ids without one become padding.
// Every id is below vocab_size.
Result<std::vector<Token>> place_tokens(std::vector<NumberedToken> numbered, std::uint64_t vocab_size);

// tokenizer.ggml.model, pre, tokens, scores, token_type, merges, and the model's own among them.
std::vector<Attr> vocabulary_attrs(const Vocabulary& vocabulary);
// The same back, with its arrays checked against each other.
Result<Vocabulary> vocabulary_of(const std::vector<Attr>& attrs);

}  // namespace heirloom::tokenizer
