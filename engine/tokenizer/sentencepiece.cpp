#include "engine/tokenizer/hugging_face.hpp"
#include "engine/tokenizer/remarks.hpp"
#include "engine/tokenizer/sentencepiece_model.hpp"

#include <algorithm>
#include <unordered_set>

namespace heirloom::tokenizer {

namespace {

using model::Json;

// User-defined pieces come out NORMAL (formats/facts/tokenizers.md#sentencepiece).
TokenType type_of(const Piece& piece) {
  const auto type = static_cast<TokenType>(piece.type);
  return type == TokenType::user_defined ? TokenType::normal : type;
}

Token converted(const AddedToken& added) {
  if (added.is_special || looks_special(added.text))
    return {added.text, added_score, TokenType::control};
  return {with_spaces(added.text), added_score, TokenType::user_defined};
}

Result<void> add_added_tokens_json(const Source& source, std::vector<NumberedToken>& numbered) {
  if (source.added_tokens_json.object() == nullptr)
    return {};
  for (const auto& [text, value] : *source.added_tokens_json.object()) {
    auto id = token_id(value, text);
    if (!id)
      return fail(std::move(id).error().in_file("added_tokens.json"));
    numbered.push_back({*id, Token{text, added_score, TokenType::user_defined}});
  }
  return {};
}

// tokenizer.json's added tokens count where no other file names the id.
void add_tokenizer_json(const Source& source, std::vector<NumberedToken>& numbered) {
  std::unordered_set<std::uint64_t> ids;
  for (const NumberedToken& entry : numbered)
    ids.insert(entry.id);
  for (const AddedToken& added : source.added_tokens)
    if (!ids.contains(added.id))
      numbered.push_back({added.id, converted(added)});
}

// The converter passes over ids beyond the configuration's vocabulary; so does this, with a warning.
void drop_beyond(std::vector<NumberedToken>& numbered, std::uint64_t vocab_size, std::vector<std::string>& warnings) {
  const auto beyond = [vocab_size](const NumberedToken& entry) { return entry.id >= vocab_size; };
  const auto first = std::find_if(numbered.begin(), numbered.end(), beyond);
  if (first == numbered.end())
    return;
  const std::string example = quoted_token(first->token.text) + " with id " + std::to_string(first->id);
  const std::size_t before = numbered.size();
  std::erase_if(numbered, beyond);
  warnings.push_back(std::to_string(before - numbered.size()) + " tokens beyond the vocabulary of " +
                     std::to_string(vocab_size) + " are left out, first " + example);
}

}  // namespace

Result<Vocabulary> read_sentencepiece(const Source& source, const ToGguf&, std::uint64_t vocab_size,
                                      std::vector<std::string>& warnings) {
  auto model = read_sentencepiece_model(*source.tokenizer_model);
  if (!model)
    return fail(std::move(model).error().in_file(tokenizer_model_name));
  constexpr std::int32_t bpe = 2;
  if (model->kind != bpe)
    warnings.emplace_back("tokenizer.model is no BPE model; llama.cpp merges its pieces by score, which differs");
  if (!model->character_map.empty())
    warnings.emplace_back("tokenizer.model normalizes text by a character map, which GGUF does not hold");
  std::vector<NumberedToken> numbered;
  for (Piece& piece : model->pieces)
    numbered.push_back({numbered.size(), Token{std::move(piece.text), piece.score, type_of(piece)}});
  const std::uint64_t piece_count = numbered.size();
  HEIRLOOM_CHECK(add_added_tokens_json(source, numbered));
  for (const AddedToken& added : source.added_tokens_decoder)
    numbered.push_back({added.id, converted(added)});
  add_tokenizer_json(source, numbered);
  const std::uint64_t size = vocab_size != 0 ? vocab_size : piece_count;
  drop_beyond(numbered, size, warnings);

  Vocabulary vocabulary;
  vocabulary.model = "llama";
  vocabulary.pre = "default";
  vocabulary.has_scores = true;
  vocabulary.adds_space_prefix = model->adds_dummy_prefix;
  HEIRLOOM_TRY(vocabulary.tokens, place_tokens(std::move(numbered), size));
  apply_token_types(remarks_of(source), vocabulary.tokens);
  return vocabulary;
}

}  // namespace heirloom::tokenizer
