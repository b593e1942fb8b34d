#include "engine/tokenizer/base64.hpp"
#include "engine/tokenizer/hugging_face.hpp"
#include "engine/tokenizer/keys.hpp"
#include "engine/tokenizer/remarks.hpp"
#include "engine/tokenizer/sentencepiece_model.hpp"

#include <algorithm>
#include <unordered_map>

namespace heirloom::tokenizer {

namespace {

using model::Json;

struct Unigram {
  std::vector<NumberedToken> tokens;
  bool adds_space_prefix = true;
  bool removes_extra_whitespaces = false;
  std::vector<std::uint8_t> character_map;
};

Error in_tokenizer_json(std::string message) {
  return Error{Code::malformed, std::move(message), no_position, std::string(tokenizer_json_name)};
}

// model.vocab: [["<s>", 0.0], ...]
Result<std::vector<NumberedToken>> read_scored_vocab(const Source& source) {
  const Json* vocab = source.model_member("vocab");
  if (vocab == nullptr || vocab->array() == nullptr)
    return fail(in_tokenizer_json("\"model\" has no array \"vocab\""));
  std::vector<NumberedToken> tokens;
  for (const Json& entry : *vocab->array()) {
    const Json::Array* pair = entry.array();
    if (pair == nullptr || pair->size() != 2 || (*pair)[0].text() == nullptr || !(*pair)[1].is_number())
      return fail(in_tokenizer_json("token " + std::to_string(tokens.size()) + " is not a pair of text and score"));
    tokens.push_back({tokens.size(), Token{*(*pair)[0].text(), static_cast<float>((*pair)[1].number().value_or(0)),
                                           TokenType::normal}});
  }
  if (tokens.empty())
    return fail(in_tokenizer_json("no tokens"));
  return tokens;
}

void type_tokens(const Source& source, std::vector<NumberedToken>& tokens) {
  const bool has_bytes = flag_or(source.model_member("byte_fallback"), false);
  for (NumberedToken& entry : tokens)
    if (has_bytes && is_byte_token(entry.token.text))
      entry.token.type = TokenType::byte;
  std::unordered_map<std::uint64_t, float> score_of;
  for (const NumberedToken& entry : tokens)
    score_of.emplace(entry.id, entry.token.score);
  for (const AddedToken& added : all_added_tokens(source)) {
    const bool is_control = added.is_special || looks_special(added.text);
    const auto found = score_of.find(added.id);
    tokens.push_back({added.id, Token{is_control ? added.text : with_spaces(added.text),
                                      found == score_of.end() ? added_score : found->second,
                                      is_control ? TokenType::control : TokenType::user_defined}});
  }
  const Json* unknown = source.model_member("unk_id");
  const auto id = unknown == nullptr ? std::nullopt : unknown->integer();
  for (NumberedToken& entry : tokens)
    if (id && *id >= 0 && entry.id == static_cast<std::uint64_t>(*id))
      entry.token.type = TokenType::unknown;
}

// What the steps of normalizer and pre_tokenizer amount to in SentencePiece's terms.
Result<void> read_steps(const Source& source, Unigram& out, std::vector<std::string>& warnings) {
  for (const Json* step : normalizers_of(source)) {
    const std::string_view type = text_member(*step, "type");
    if (type == "Precompiled") {
      const auto map = decode_base64(text_member(*step, "precompiled_charsmap"));
      if (!map)
        return fail(in_tokenizer_json("\"precompiled_charsmap\" is not base64"));
      out.character_map = *map;
    } else if (type == "Strip" || (type == "Replace" && step->at("pattern.Regex") != nullptr)) {
      out.removes_extra_whitespaces = true;
    } else if (type != "Replace" && type != "Prepend") {
      warnings.push_back("tokenizer.json normalizes text by " + quoted_token(type) + ", which GGUF does not hold");
    }
  }
  for (const Json* step : pre_tokenizer_steps(source)) {
    const std::string_view type = text_member(*step, "type");
    out.removes_extra_whitespaces |= type == "WhitespaceSplit";
    const std::string_view scheme = text_member(*step, "prepend_scheme");
    if (type == "Metaspace")
      out.adds_space_prefix = scheme.empty() ? flag_or(step->find("add_prefix_space"), true) : scheme != "never";
  }
  return {};
}

Result<Unigram> read_json(const Source& source, std::vector<std::string>& warnings) {
  Unigram out;
  HEIRLOOM_TRY(out.tokens, read_scored_vocab(source));
  type_tokens(source, out.tokens);
  HEIRLOOM_CHECK(read_steps(source, out, warnings));
  return out;
}

Result<Unigram> read_model(const Source& source) {
  auto model = read_sentencepiece_model(*source.tokenizer_model);
  if (!model)
    return fail(std::move(model).error().in_file(tokenizer_model_name));
  constexpr std::int32_t unigram = 1;
  if (model->kind != unigram)
    return fail(Error{Code::unsupported, "a model of type " + std::to_string(model->kind) + " where Unigram, 1, is wanted",
                      no_position, std::string(tokenizer_model_name)});
  Unigram out;
  for (Piece& piece : model->pieces)
    out.tokens.push_back({out.tokens.size(), Token{std::move(piece.text), piece.score, static_cast<TokenType>(piece.type)}});
  for (const AddedToken& added : source.added_tokens_decoder)
    if (added.id >= model->pieces.size())
      out.tokens.push_back({added.id, Token{added.text, added_score,
                                            added.is_special ? TokenType::control : TokenType::user_defined}});
  out.adds_space_prefix = model->adds_dummy_prefix;
  out.removes_extra_whitespaces = model->removes_extra_whitespaces;
  out.character_map = std::move(model->character_map);
  return out;
}

}  // namespace

Result<Vocabulary> read_unigram(const Source& source, const ToGguf&, std::uint64_t vocab_size,
                                std::vector<std::string>& warnings) {
  auto unigram = source.model_type() == "Unigram" ? read_json(source, warnings) : read_model(source);
  if (!unigram)
    return fail(std::move(unigram).error());
  const std::uint64_t size = std::max(vocab_size, own_size(unigram->tokens));
  Vocabulary vocabulary;
  vocabulary.model = "t5";
  vocabulary.pre = "default";
  vocabulary.has_scores = true;
  HEIRLOOM_TRY(vocabulary.tokens, place_tokens(std::move(unigram->tokens), size));
  apply_token_types(remarks_of(source), vocabulary.tokens);
  vocabulary.more_keys = {Attr::scalar(std::string(keys::add_space_prefix), unigram->adds_space_prefix), token_type_count(source),
                          Attr::scalar(std::string(keys::remove_extra_whitespaces), unigram->removes_extra_whitespaces)};
  if (!unigram->character_map.empty())
    vocabulary.more_keys.push_back(Attr::array(std::string(keys::character_map), unigram->character_map));
  return vocabulary;
}

}  // namespace heirloom::tokenizer
