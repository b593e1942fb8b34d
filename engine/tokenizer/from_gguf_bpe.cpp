#include "engine/tokenizer/byte_level.hpp"
#include "engine/tokenizer/from_gguf.hpp"
#include "engine/tokenizer/pre_tokenizer.hpp"

#include <unordered_map>

namespace heirloom::tokenizer {

namespace {

using model::Json;

bool is_added(const GgufSource& gguf, std::uint64_t id) {
  const TokenType type = gguf.vocabulary.tokens[id].type;
  return type == TokenType::control || type == TokenType::user_defined || gguf.is_special_token(id);
}

// An id that stands for nothing is left out of the files and comes back as the same padding.
bool is_padding(const Token& token, std::uint64_t id) {
  return token.type == TokenType::unused && token.text == padding_text(id);
}

Result<void> check_texts(const std::vector<Token>& tokens) {
  std::unordered_map<std::string_view, std::size_t> id_of;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (!is_utf8(tokens[id].text))
      return fail(Code::malformed, "token " + std::to_string(id) + " is not UTF-8");
    const auto [found, is_new] = id_of.emplace(tokens[id].text, id);
    if (!is_new)
      return fail(Code::malformed, "tokens " + std::to_string(found->second) + " and " + std::to_string(id) +
                                       " have the same text " + quoted_token(tokens[id].text));
  }
  return {};
}

std::vector<AddedToken> added_tokens(const GgufSource& gguf) {
  std::vector<AddedToken> added;
  for (std::uint64_t id = 0; id < gguf.vocabulary.tokens.size(); ++id) {
    const Token& token = gguf.vocabulary.tokens[id];
    if (is_added(gguf, id) && !is_padding(token, id))
      added.push_back({id, token.text, token.type != TokenType::user_defined,
                       decode_byte_level(token.text) != token.text});
  }
  return added;
}

// Tokens of the model. Tokenizers number the added tokens that the model lacks from the model's size on; only a run of
// added tokens that starts there can be left out.
Json::Object vocab_member(const GgufSource& gguf) {
  const std::vector<Token>& tokens = gguf.vocabulary.tokens;
  std::uint64_t end = tokens.size();
  while (end > 0 && is_padding(tokens[end - 1], end - 1))
    --end;
  std::uint64_t run = end;
  while (run > 0 && is_added(gguf, run - 1) && !is_padding(tokens[run - 1], run - 1))
    --run;
  Json::Object vocab;
  for (std::uint64_t id = 0; id < run; ++id)
    if (!is_padding(tokens[id], id))
      vocab.emplace_back(tokens[id].text, json_number(id));
  if (vocab.size() != run)
    for (std::uint64_t id = run; id < end; ++id)
      vocab.emplace_back(tokens[id].text, json_number(id));
  return vocab;
}

Result<Json> model_member(const GgufSource& gguf, bool ignores_merges) {
  Json::Array merges;
  for (const std::string& merge : gguf.vocabulary.merges) {
    if (!is_utf8(merge))
      return fail(Code::malformed, "a merge is not UTF-8");
    merges.push_back(json_text(merge));
  }
  return json_object({{"type", json_text("BPE")},
                      {"dropout", Json()},
                      {"unk_token", Json()},
                      {"continuing_subword_prefix", Json()},
                      {"end_of_word_suffix", Json()},
                      {"fuse_unk", json_flag(false)},
                      {"byte_fallback", json_flag(false)},
                      {"ignore_merges", json_flag(ignores_merges)},
                      {"vocab", json_object(vocab_member(gguf))},
                      {"merges", json_array(std::move(merges))}});
}

Json byte_level(bool adds_prefix_space, bool trims_offsets) {
  return json_object({{"type", json_text("ByteLevel")},
                      {"add_prefix_space", json_flag(adds_prefix_space)},
                      {"trim_offsets", json_flag(trims_offsets)},
                      {"use_regex", json_flag(true)}});
}

Json post_processor(const Json& additions) {
  if (additions.is_null())
    return byte_level(true, false);
  return json_object({{"type", json_text("Sequence")},
                      {"processors", json_array({byte_level(true, false), additions})}});
}

}  // namespace

Result<HuggingFaceFiles> write_byte_level_bpe(const GgufSource& gguf) {
  HEIRLOOM_CHECK(check_texts(gguf.vocabulary.tokens));
  HEIRLOOM_TRY(const PreTokenizer pre_tokenizer, write_pre_tokenizer(gguf.vocabulary.pre));
  HEIRLOOM_TRY(Json model, model_member(gguf, pre_tokenizer.ignores_merges));
  const std::vector<AddedToken> added = added_tokens(gguf);
  const Json additions = write_template(gguf);
  const bool says_separator = gguf.additions[bos].value_or(false) && gguf.text_of(bos) != nullptr &&
                              !gguf.additions[sep].value_or(true);
  HuggingFaceFiles files;
  files.tokenizer_json = json_object({{"version", json_text("1.0")},
                                      {"truncation", Json()},
                                      {"padding", Json()},
                                      {"added_tokens", write_added_tokens(added)},
                                      {"normalizer", pre_tokenizer.normalizer},
                                      {"pre_tokenizer", pre_tokenizer.steps},
                                      {"post_processor", post_processor(additions)},
                                      {"decoder", byte_level(true, true)},
                                      {"model", std::move(model)}});
  files.tokenizer_config = write_tokenizer_config(gguf, added, "PreTrainedTokenizerFast", says_separator);
  return files;
}

}  // namespace heirloom::tokenizer
