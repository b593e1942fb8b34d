#include "engine/tokenizer/byte_level.hpp"
#include "engine/tokenizer/from_gguf.hpp"
#include "engine/tokenizer/sentencepiece_model.hpp"

#include <algorithm>
#include <unordered_set>

namespace heirloom::tokenizer {

namespace {

using model::Json;

constexpr std::string_view word_start = "\xe2\x96\x81";  // U+2581

bool is_padding(const Token& token, std::uint64_t id) {
  return token.type == TokenType::unused && token.score == padding_score && token.text == padding_text(id);
}

// Tokens in the form that added_tokens_decoder gives back.
bool is_added(const Token& token) {
  return token.score == added_score && (token.type == TokenType::control || token.type == TokenType::user_defined);
}

// Pieces of tokenizer.model: all but the padding at the end and the added tokens before it. A model has to hold its
// unknown token.
std::size_t piece_count(const GgufSource& gguf) {
  const std::vector<Token>& tokens = gguf.vocabulary.tokens;
  std::size_t end = tokens.size();
  while (end > 1 && is_padding(tokens[end - 1], end - 1))
    --end;
  while (end > 1 && is_added(tokens[end - 1]))
    --end;
  return gguf.ids[unk] ? std::max<std::size_t>(end, *gguf.ids[unk] + 1) : end;
}

std::int32_t model_id(const GgufSource& gguf, Role role, std::size_t pieces) {
  return gguf.ids[role] && *gguf.ids[role] < pieces ? static_cast<std::int32_t>(*gguf.ids[role]) : -1;
}

SentencePieceModel sentencepiece_model(const GgufSource& gguf) {
  SentencePieceModel model;
  const std::size_t count = piece_count(gguf);
  for (std::size_t id = 0; id < count; ++id) {
    const Token& token = gguf.vocabulary.tokens[id];
    const TokenType type = gguf.ids[unk] == id ? TokenType::unknown : token.type;
    model.pieces.push_back({token.text, token.score, static_cast<std::int32_t>(type)});
    model.byte_fallback |= type == TokenType::byte;
  }
  model.kind = 2;
  model.unk_id = std::max(model_id(gguf, unk, count), 0);
  model.bos_id = model_id(gguf, bos, count);
  model.eos_id = model_id(gguf, eos, count);
  model.pad_id = model_id(gguf, pad, count);
  model.normalizer = "identity";
  model.adds_dummy_prefix = gguf.adds_space_prefix.value_or(true);
  model.removes_extra_whitespaces = gguf.removes_extra_whitespaces.value_or(false);
  return model;
}

std::vector<AddedToken> added_tokens(const GgufSource& gguf) {
  std::vector<AddedToken> added;
  const std::vector<Token>& tokens = gguf.vocabulary.tokens;
  for (std::uint64_t id = 0; id < tokens.size(); ++id)
    if (is_added(tokens[id]))
      added.push_back({id, tokens[id].text, tokens[id].type == TokenType::control, false});
  return added;
}

// tokenizer.json's, where special tokens of any score have to be.
std::vector<AddedToken> all_added_tokens(const GgufSource& gguf) {
  std::vector<AddedToken> added;
  const std::vector<Token>& tokens = gguf.vocabulary.tokens;
  for (std::uint64_t id = 0; id < tokens.size(); ++id) {
    const TokenType type = tokens[id].type;
    if (type == TokenType::control || type == TokenType::user_defined || type == TokenType::unknown ||
        gguf.is_special_token(id))
      added.push_back({id, tokens[id].text, type != TokenType::user_defined, false});
  }
  return added;
}

Json replace(std::string_view what, std::string_view with) {
  return json_object({{"type", json_text("Replace")},
                      {"pattern", json_object({{"String", json_text(what)}})},
                      {"content", json_text(with)}});
}

Json normalizer(bool adds_dummy_prefix) {
  if (!adds_dummy_prefix)
    return replace(" ", word_start);
  return json_object(
      {{"type", json_text("Sequence")},
       {"normalizers", json_array({json_object({{"type", json_text("Prepend")}, {"prepend", json_text(word_start)}}),
                                   replace(" ", word_start)})}});
}

Json pre_tokenizer(bool adds_dummy_prefix) {
  if (adds_dummy_prefix)
    return {};
  return json_object({{"type", json_text("Split")},
                      {"pattern", json_object({{"String", json_text(" ")}})},
                      {"behavior", json_text("MergedWithPrevious")},
                      {"invert", json_flag(false)}});
}

Json decoder(bool adds_dummy_prefix) {
  Json::Array steps = {replace(word_start, " "), json_object({{"type", json_text("ByteFallback")}}),
                       json_object({{"type", json_text("Fuse")}})};
  if (adds_dummy_prefix)
    steps.push_back(json_object({{"type", json_text("Strip")},
                                 {"content", json_text(" ")},
                                 {"start", json_number(1)},
                                 {"stop", json_number(0)}}));
  return json_object({{"type", json_text("Sequence")}, {"decoders", json_array(std::move(steps))}});
}

// The pieces by text; nullopt when two have the same.
std::optional<Json> vocab_member(const std::vector<Token>& tokens, std::size_t count) {
  Json::Object vocab;
  std::unordered_set<std::string_view> seen;
  for (std::size_t id = 0; id < count; ++id) {
    if (!seen.insert(tokens[id].text).second)
      return std::nullopt;
    vocab.emplace_back(tokens[id].text, json_number(id));
  }
  return json_object(std::move(vocab));
}

Json tokenizer_json(const GgufSource& gguf, Json vocab, const std::vector<std::string>& merges, bool adds_dummy_prefix) {
  Json::Array list;
  for (const std::string& merge : merges)
    list.push_back(json_text(merge));
  const std::string* unknown = gguf.text_of(unk);
  return json_object({{"version", json_text("1.0")},
                      {"truncation", Json()},
                      {"padding", Json()},
                      {"added_tokens", write_added_tokens(all_added_tokens(gguf))},
                      {"normalizer", normalizer(adds_dummy_prefix)},
                      {"pre_tokenizer", pre_tokenizer(adds_dummy_prefix)},
                      {"post_processor", write_template(gguf)},
                      {"decoder", decoder(adds_dummy_prefix)},
                      {"model", json_object({{"type", json_text("BPE")},
                                             {"dropout", Json()},
                                             {"unk_token", unknown == nullptr ? Json() : json_text(*unknown)},
                                             {"continuing_subword_prefix", Json()},
                                             {"end_of_word_suffix", Json()},
                                             {"fuse_unk", json_flag(true)},
                                             {"byte_fallback", json_flag(true)},
                                             {"ignore_merges", json_flag(false)},
                                             {"vocab", std::move(vocab)},
                                             {"merges", json_array(std::move(list))}})}});
}

// Null when the scores do not say what the merges are.
Json tokenizer_json_of_scores(const GgufSource& gguf) {
  const auto merges = derive_merges(gguf.vocabulary.tokens);
  auto vocab = vocab_member(gguf.vocabulary.tokens, piece_count(gguf));
  if (!merges || !vocab)
    return {};
  return tokenizer_json(gguf, std::move(*vocab), *merges, gguf.adds_space_prefix.value_or(true));
}

}  // namespace

Result<void> check_utf8(const std::vector<Token>& tokens) {
  for (std::size_t id = 0; id < tokens.size(); ++id)
    if (tokens[id].text.empty() || !is_utf8(tokens[id].text))
      return fail(Code::malformed, "token " + std::to_string(id) + " is empty or not UTF-8");
  return {};
}

bool has_byte_tokens(const GgufSource& gguf) {
  const std::vector<Token>& tokens = gguf.vocabulary.tokens;
  return std::any_of(tokens.begin(), tokens.end(), [](const Token& token) { return token.type == TokenType::byte; });
}

Result<HuggingFaceFiles> write_sentencepiece(const GgufSource& gguf) {
  HEIRLOOM_CHECK(check_utf8(gguf.vocabulary.tokens));
  HuggingFaceFiles files;
  files.tokenizer_model = write_sentencepiece_model(sentencepiece_model(gguf));
  files.tokenizer_json = tokenizer_json_of_scores(gguf);
  const bool says_separator = !files.tokenizer_json.is_null() && gguf.additions[bos].value_or(false) &&
                              gguf.text_of(bos) != nullptr && !gguf.additions[sep].value_or(true);
  files.tokenizer_config = write_tokenizer_config(gguf, added_tokens(gguf), "LlamaTokenizer", says_separator);
  return files;
}

Result<HuggingFaceFiles> write_gemma4(const GgufSource& gguf) {
  const std::vector<Token>& tokens = gguf.vocabulary.tokens;
  HEIRLOOM_CHECK(check_utf8(tokens));
  for (const std::string& merge : gguf.vocabulary.merges)
    if (!is_utf8(merge))
      return fail(Code::malformed, "a merge is not UTF-8");
  std::size_t end = tokens.size();
  while (end > 1 && is_padding(tokens[end - 1], end - 1))
    --end;
  auto vocab = vocab_member(tokens, end);
  if (!vocab)
    return fail(Code::malformed, "two tokens have the same text");
  HuggingFaceFiles files;
  files.tokenizer_json = tokenizer_json(gguf, std::move(*vocab), gguf.vocabulary.merges, false);
  files.tokenizer_config = write_tokenizer_config(gguf, all_added_tokens(gguf), "PreTrainedTokenizerFast", false);
  return files;
}

}  // namespace heirloom::tokenizer
