// The two ways from Hugging Face files to a vocabulary, and what both share. Internal to the module.
#pragma once

#include "engine/tokenizer/source.hpp"
#include "engine/tokenizer/vocabulary.hpp"

#include <string>
#include <vector>

namespace heirloom::tokenizer {

// Byte-level BPE from tokenizer.json: model "gpt2". `vocab_size` 0 stands for the tokenizer's own.
Result<Vocabulary> read_byte_level_bpe(const Source& source, const ToGguf& options, std::uint64_t vocab_size,
                                       std::vector<std::string>& warnings);

// SentencePiece from tokenizer.model: model "llama".
Result<Vocabulary> read_sentencepiece(const Source& source, std::uint64_t vocab_size,
                                      std::vector<std::string>& warnings);

// Byte-fallback BPE from tokenizer.json alone, in SentencePiece's form but without scores: model "llama".
bool is_byte_fallback_bpe(const Source& source);
Result<Vocabulary> read_byte_fallback_bpe(const Source& source, std::uint64_t vocab_size,
                                          std::vector<std::string>& warnings);

// model.vocab of tokenizer.json as NORMAL tokens; one id with two texts is refused.
Result<std::vector<NumberedToken>> read_vocab_member(const Source& source);

// An added token takes its text away from a token of the model with another id; that id becomes padding.
void drop_shadowed(const std::vector<AddedToken>& added, std::vector<NumberedToken>& numbered);

// The smallest size that holds all ids.
std::uint64_t own_size(const std::vector<NumberedToken>& numbered);

// An error that names the first token whose id does not fit.
Result<void> check_ids(const std::vector<NumberedToken>& numbered, std::uint64_t vocab_size);

}  // namespace heirloom::tokenizer
