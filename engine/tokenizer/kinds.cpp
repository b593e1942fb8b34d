#include "engine/tokenizer/kinds.hpp"

#include "engine/tokenizer/hugging_face.hpp"

#include <array>

namespace heirloom::tokenizer {

namespace {

bool has_byte_fallback(const Source& source) { return flag_or(source.model_member("byte_fallback"), false); }

constexpr std::array kinds = {
    Kind{"sentencepiece", "llama", true,
         [](const Source& source) { return source.tokenizer_model.has_value(); }, read_sentencepiece},
    Kind{"sentencepiece", "llama", true, is_byte_fallback_bpe, read_byte_fallback_bpe},
    Kind{"bpe", "gpt2", true,
         [](const Source& source) { return source.model_type() == "BPE" && !has_byte_fallback(source); }, read_byte_level_bpe},
    Kind{"wordpiece", "bert", true,
         [](const Source& source) {
           return source.model_type() == "WordPiece" || (source.vocab_text && !source.has_tokenizer_json());
         },
         read_wordpiece},
    Kind{"unigram", "t5", true,
         [](const Source& source) {
           return source.model_type() == "Unigram" || (source.tokenizer_model && !source.has_tokenizer_json());
         },
         read_unigram},
    Kind{"tiktoken", "gpt2", true, [](const Source& source) { return source.tiktoken_text.has_value(); }, read_tiktoken},
    Kind{"gemma4", "gemma4", false, is_byte_fallback_bpe, read_gemma4},
};

}  // namespace

std::span<const Kind> all_kinds() { return kinds; }

Result<const Kind*> find_kind(std::string_view name) {
  std::string names;
  for (const Kind& kind : kinds) {
    if (kind.name == name)
      return &kind;
    if (names.find("\"" + std::string(kind.name)) == std::string::npos)
      names += (names.empty() ? "\"" : ", \"") + std::string(kind.name) + "\"";
  }
  return fail(Code::misuse, "tokenizer kind " + quoted_token(name) + " is not known; known are " + names);
}

}  // namespace heirloom::tokenizer
