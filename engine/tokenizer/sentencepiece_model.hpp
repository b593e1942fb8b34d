// tokenizer.model: SentencePiece's ModelProto, read and written by hand (formats/facts/tokenizers.md#tokenizer-model).
#pragma once

#include "heirloom/result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace heirloom::tokenizer {

// SentencePiece.Type; the numbers are those of TokenType.
struct Piece {
  std::string text;
  float score = 0;
  std::int32_t type = 1;
};

struct SentencePieceModel {
  std::vector<Piece> pieces;
  std::int32_t kind = 1;                  // trainer_spec.model_type: 1 unigram, 2 BPE
  std::int32_t unk_id = 0, bos_id = 1, eos_id = 2, pad_id = -1;
  bool byte_fallback = false;
  std::string normalizer;                 // normalizer_spec.name
  std::vector<std::uint8_t> character_map;  // normalizer_spec.precompiled_charsmap
  bool adds_dummy_prefix = true;
  bool removes_extra_whitespaces = true;
};

Result<SentencePieceModel> read_sentencepiece_model(std::span<const std::uint8_t> bytes);
std::vector<std::uint8_t> write_sentencepiece_model(const SentencePieceModel& model);

}  // namespace heirloom::tokenizer
