// The ways from Hugging Face files to a vocabulary, one for each kind, and what they share. Internal to the module.
#pragma once

#include "engine/tokenizer/source.hpp"
#include "engine/tokenizer/vocabulary.hpp"

#include <string>
#include <vector>

namespace heirloom::tokenizer {

// Byte-level BPE from tokenizer.json: model "gpt2". `vocab_size` 0 stands for the tokenizer's own, here and below.
Result<Vocabulary> read_byte_level_bpe(const Source& source, const ToGguf& options, std::uint64_t vocab_size,
                                       std::vector<std::string>& warnings);

// Byte-level BPE from tiktoken.model, which has ranks in place of merges: model "gpt2".
Result<Vocabulary> read_tiktoken(const Source& source, const ToGguf& options, std::uint64_t vocab_size,
                                 std::vector<std::string>& warnings);

// SentencePiece from tokenizer.model: model "llama".
Result<Vocabulary> read_sentencepiece(const Source& source, const ToGguf& options, std::uint64_t vocab_size,
                                      std::vector<std::string>& warnings);

// Byte-fallback BPE from tokenizer.json alone: in SentencePiece's form, model "llama", with scores made of the merges.
bool is_byte_fallback_bpe(const Source& source);
Result<Vocabulary> read_byte_fallback_bpe(const Source& source, const ToGguf& options, std::uint64_t vocab_size,
                                          std::vector<std::string>& warnings);
// The same tokenizer as Gemma 4 has it in GGUF, with its merges: model "gemma4".
Result<Vocabulary> read_gemma4(const Source& source, const ToGguf& options, std::uint64_t vocab_size,
                               std::vector<std::string>& warnings);

// WordPiece from tokenizer.json or vocab.txt: model "bert".
Result<Vocabulary> read_wordpiece(const Source& source, const ToGguf& options, std::uint64_t vocab_size,
                                  std::vector<std::string>& warnings);

// Unigram from tokenizer.json or tokenizer.model: model "t5".
Result<Vocabulary> read_unigram(const Source& source, const ToGguf& options, std::uint64_t vocab_size,
                                std::vector<std::string>& warnings);

// model.vocab of tokenizer.json as NORMAL tokens; one id with two texts is refused.
Result<std::vector<NumberedToken>> read_vocab_member(const Source& source);

// The merges of tokenizer.json, else of merges.txt, as GGUF has them.
Result<std::vector<std::string>> read_merges(const Source& source, std::vector<std::string>& warnings);

// Added tokens of tokenizer.json, then those that only tokenizer_config.json knows.
std::vector<AddedToken> all_added_tokens(const Source& source);

// An added token takes its text away from a token of the model with another id; that id becomes padding.
void drop_shadowed(const std::vector<AddedToken>& added, std::vector<NumberedToken>& numbered);

// "<0x0A>"
bool is_byte_token(std::string_view text);

// tokenizer.ggml.token_type_count from config.json's type_vocab_size.
Attr token_type_count(const Source& source);

// The smallest size that holds all ids.
std::uint64_t own_size(const std::vector<NumberedToken>& numbered);

// An error that names the first token whose id does not fit.
Result<void> check_ids(const std::vector<NumberedToken>& numbered, std::uint64_t vocab_size);

}  // namespace heirloom::tokenizer
