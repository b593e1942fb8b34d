#include "engine/tokenizer/base64.hpp"
#include "engine/tokenizer/from_gguf.hpp"

namespace heirloom::tokenizer {

namespace {

using model::Json;

bool is_padding(const Token& token, std::uint64_t id) {
  return token.type == TokenType::unused && token.score == padding_score && token.text == padding_text(id);
}

std::vector<AddedToken> added_tokens(const GgufSource& gguf) {
  std::vector<AddedToken> added;
  const std::vector<Token>& tokens = gguf.vocabulary.tokens;
  for (std::uint64_t id = 0; id < tokens.size(); ++id) {
    const TokenType type = tokens[id].type;
    if (type == TokenType::control || type == TokenType::user_defined || type == TokenType::unknown || gguf.is_special_token(id))
      added.push_back({id, tokens[id].text, type != TokenType::user_defined, false});
  }
  return added;
}

// Padding behind the last token comes back by itself.
Json vocab_member(const std::vector<Token>& tokens) {
  std::size_t end = tokens.size();
  while (end > 1 && is_padding(tokens[end - 1], end - 1))
    --end;
  Json::Array vocab;
  for (std::size_t id = 0; id < end; ++id)
    vocab.push_back(json_array({json_text(tokens[id].text), Json(Json::Value(static_cast<double>(tokens[id].score)))}));
  return json_array(std::move(vocab));
}

Json unknown_id(const GgufSource& gguf) {
  for (std::uint64_t id = 0; id < gguf.vocabulary.tokens.size(); ++id)
    if (gguf.vocabulary.tokens[id].type == TokenType::unknown)
      return json_number(id);
  return gguf.ids[unk] ? json_number(*gguf.ids[unk]) : Json();
}

Json pre_tokenizer(const GgufSource& gguf) {
  const bool adds_prefix = gguf.adds_space_prefix.value_or(true);
  Json metaspace = json_object({{"type", json_text("Metaspace")},
                                {"replacement", json_text("\xe2\x96\x81")},
                                {"prepend_scheme", json_text(adds_prefix ? "always" : "never")},
                                {"split", json_flag(true)}});
  if (!gguf.removes_extra_whitespaces.value_or(false))
    return metaspace;
  return json_object({{"type", json_text("Sequence")},
                      {"pretokenizers", json_array({json_object({{"type", json_text("WhitespaceSplit")}}), std::move(metaspace)})}});
}

Json normalizer(const GgufSource& gguf) {
  if (gguf.character_map.empty())
    return {};
  return json_object({{"type", json_text("Precompiled")}, {"precompiled_charsmap", json_text(encode_base64(gguf.character_map))}});
}

}  // namespace

Result<HuggingFaceFiles> write_unigram(const GgufSource& gguf) {
  HEIRLOOM_CHECK(check_utf8(gguf.vocabulary.tokens));
  const std::vector<AddedToken> added = added_tokens(gguf);
  const bool says_separator = gguf.additions[bos].value_or(false) && gguf.text_of(bos) != nullptr &&
                              !gguf.additions[sep].value_or(true);
  HuggingFaceFiles files;
  files.tokenizer_json = json_object({{"version", json_text("1.0")},
                                      {"truncation", Json()},
                                      {"padding", Json()},
                                      {"added_tokens", write_added_tokens(added)},
                                      {"normalizer", normalizer(gguf)},
                                      {"pre_tokenizer", pre_tokenizer(gguf)},
                                      {"post_processor", write_template(gguf)},
                                      {"decoder", json_object({{"type", json_text("Metaspace")},
                                                               {"replacement", json_text("\xe2\x96\x81")},
                                                               {"prepend_scheme", json_text("always")},
                                                               {"split", json_flag(true)}})},
                                      {"model", json_object({{"type", json_text("Unigram")},
                                                             {"unk_id", unknown_id(gguf)},
                                                             {"vocab", vocab_member(gguf.vocabulary.tokens)},
                                                             {"byte_fallback", json_flag(has_byte_tokens(gguf))}})}});
  files.tokenizer_config = write_tokenizer_config(gguf, added, "PreTrainedTokenizerFast", says_separator);
  return files;
}

}  // namespace heirloom::tokenizer
