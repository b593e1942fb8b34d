#include "engine/tokenizer/hugging_face.hpp"
#include "engine/tokenizer/remarks.hpp"
#include "engine/tokenizer/sentencepiece_model.hpp"

#include <algorithm>
#include <array>
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

void add_texts(const Json& holder, std::unordered_set<std::string_view>& texts) {
  constexpr std::array<std::string_view, 7> names = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                     "pad_token", "cls_token", "mask_token"};
  for (const std::string_view name : names)
    if (const std::string* text = token_text(holder.find(name)))
      texts.insert(*text);
  const Json* more = holder.find("additional_special_tokens");
  if (more != nullptr && more->array() != nullptr)
    for (const Json& entry : *more->array())
      if (const std::string* text = token_text(&entry))
        texts.insert(*text);
}

// Special by name, not by flag; the map counts only where tokenizer_config.json has no added_tokens_decoder.
std::unordered_set<std::string_view> named_special_tokens(const Source& source) {
  std::unordered_set<std::string_view> texts;
  add_texts(source.tokenizer_config, texts);
  if (source.tokenizer_config.find("added_tokens_decoder") == nullptr)
    add_texts(source.special_tokens_map, texts);
  return texts;
}

// "<0x0A>"
bool is_byte_token(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); };
  return text.size() == 6 && text.starts_with("<0x") && is_hex(text[3]) && is_hex(text[4]) && text[5] == '>';
}

}  // namespace

Result<Vocabulary> read_sentencepiece(const Source& source, std::uint64_t vocab_size,
                                      std::vector<std::string>& warnings) {
  auto model = read_sentencepiece_model(*source.tokenizer_model);
  if (!model)
    return fail(std::move(model).error().in_file(tokenizer_model_name));
  constexpr std::int32_t bpe = 2;
  if (model->kind != bpe)
    warnings.emplace_back("tokenizer.model is no BPE model; llama.cpp merges its pieces by score, which differs");
  if (model->has_character_map)
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

bool is_byte_fallback_bpe(const Source& source) {
  const Json* decoder = source.tokenizer_json.find("decoder");
  return source.model_type() == "BPE" && flag_or(source.model_member("byte_fallback"), false) && decoder != nullptr &&
         text_member(*decoder, "type") == "Sequence";
}

Result<Vocabulary> read_byte_fallback_bpe(const Source& source, std::uint64_t vocab_size,
                                          std::vector<std::string>& warnings) {
  warnings.emplace_back("there is no tokenizer.model, and GGUF's form of this tokenizer has no merges; llama.cpp may cut "
                        "words differently");
  HEIRLOOM_TRY(std::vector<NumberedToken> numbered, read_vocab_member(source));
  const std::uint64_t base_size = own_size(numbered);
  drop_shadowed(source.added_tokens, numbered);
  const auto specials = named_special_tokens(source);
  for (NumberedToken& entry : numbered) {
    if (is_byte_token(entry.token.text))
      entry.token.type = TokenType::byte;
    else if (specials.contains(entry.token.text))
      entry.token.type = TokenType::control;
  }
  for (const AddedToken& added : source.added_tokens)
    if (added.id >= base_size)
      numbered.push_back({added.id, Token{added.text, 0, specials.contains(added.text) ? TokenType::control
                                                                                       : TokenType::user_defined}});
  for (NumberedToken& entry : numbered)
    entry.token.score = added_score;
  const std::uint64_t size = vocab_size != 0 ? vocab_size : own_size(numbered);
  HEIRLOOM_CHECK(check_ids(numbered, size));

  Vocabulary vocabulary;
  vocabulary.model = "llama";
  vocabulary.pre = "default";
  vocabulary.has_scores = true;
  HEIRLOOM_TRY(vocabulary.tokens, place_tokens(std::move(numbered), size));
  apply_token_types(remarks_of(source), vocabulary.tokens);
  return vocabulary;
}

}  // namespace heirloom::tokenizer
