#include "engine/tokenizer/from_gguf.hpp"
#include "engine/tokenizer/hugging_face.hpp"
#include "engine/tokenizer/remarks.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

namespace heirloom::tokenizer {

namespace {

using model::Json;

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

// The model's tokens and the added ones behind them, typed as byte or control (by name) or, of the rest, normal and
// user-defined.
Result<std::vector<NumberedToken>> named_tokens(const Source& source) {
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
  return numbered;
}

// Added tokens within the model's vocabulary are found in a text before it is cut, as those behind it are.
void type_added_tokens(const Source& source, std::vector<NumberedToken>& numbered) {
  std::unordered_map<std::uint64_t, const AddedToken*> added_of;
  for (const AddedToken& added : source.added_tokens)
    added_of.emplace(added.id, &added);
  for (auto& [id, token] : numbered) {
    const auto found = added_of.find(id);
    if (found == added_of.end() || token.type == TokenType::control)
      continue;
    const bool is_control = found->second->is_special || looks_special(token.text);
    token.type = is_control ? TokenType::control : TokenType::user_defined;
    if (!is_control)
      token.text = with_spaces(std::move(token.text));
  }
}

std::string_view left_of(std::string_view merge) { return merge.substr(0, merge.find(' ')); }
std::string_view right_of(std::string_view merge) { return merge.substr(merge.find(' ') + 1); }

// SentencePiece ranks pieces where merges rank pairs: -0.0 for the first piece made, -1 for the next, then those that no
// merge makes, by id.
void score_pieces(const std::vector<std::string>& merges, std::vector<NumberedToken>& numbered) {
  std::unordered_map<std::string, std::size_t> rank_of;
  for (const std::string& merge : merges)
    rank_of.emplace(std::string(left_of(merge)) + std::string(right_of(merge)), rank_of.size());
  std::sort(numbered.begin(), numbered.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  std::size_t unmade = rank_of.size();
  for (NumberedToken& entry : numbered) {
    if (entry.token.type == TokenType::byte)
      entry.token.score = 0;
    if (entry.token.type != TokenType::normal)
      continue;
    const auto found = rank_of.find(entry.token.text);
    entry.token.score = -static_cast<float>(found != rank_of.end() ? found->second : unmade++);
  }
}

bool prepends_space(const Source& source) {
  for (const Json* normalizer : normalizers_of(source))
    if (text_member(*normalizer, "type") == "Prepend")
      return true;
  const Json* pre_tokenizer = source.tokenizer_json.find("pre_tokenizer");
  if (pre_tokenizer == nullptr || text_member(*pre_tokenizer, "type") != "Metaspace")
    return false;
  const std::string_view scheme = text_member(*pre_tokenizer, "prepend_scheme");
  return scheme.empty() ? flag_or(pre_tokenizer->find("add_prefix_space"), true) : scheme != "never";
}

void warn_of_normalizers(const Source& source, std::vector<std::string>& warnings) {
  for (const Json* normalizer : normalizers_of(source))
    if (const auto type = text_member(*normalizer, "type"); type != "Prepend" && type != "Replace")
      warnings.push_back("tokenizer.json normalizes text by " + quoted_token(type) + ", which this kind of GGUF does not hold");
}

Result<std::vector<Token>> placed(const Source& source, std::vector<NumberedToken> numbered, std::uint64_t vocab_size) {
  const std::uint64_t size = vocab_size != 0 ? vocab_size : own_size(numbered);
  HEIRLOOM_CHECK(check_ids(numbered, size));
  HEIRLOOM_TRY(auto tokens, place_tokens(std::move(numbered), size));
  apply_token_types(remarks_of(source), tokens);
  return tokens;
}

}  // namespace

bool is_byte_token(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); };
  return text.size() == 6 && text.starts_with("<0x") && is_hex(text[3]) && is_hex(text[4]) && text[5] == '>';
}

bool is_byte_fallback_bpe(const Source& source) {
  const Json* decoder = source.tokenizer_json.find("decoder");
  return source.model_type() == "BPE" && flag_or(source.model_member("byte_fallback"), false) && decoder != nullptr &&
         text_member(*decoder, "type") == "Sequence";
}

Result<Vocabulary> read_byte_fallback_bpe(const Source& source, const ToGguf&, std::uint64_t vocab_size,
                                          std::vector<std::string>& warnings) {
  HEIRLOOM_TRY(std::vector<NumberedToken> numbered, named_tokens(source));
  type_added_tokens(source, numbered);
  HEIRLOOM_TRY(const std::vector<std::string> merges, read_merges(source, warnings));
  score_pieces(merges, numbered);
  warn_of_normalizers(source, warnings);
  Vocabulary vocabulary;
  vocabulary.model = "llama";
  vocabulary.pre = "default";
  vocabulary.has_scores = true;
  vocabulary.adds_space_prefix = prepends_space(source);
  HEIRLOOM_TRY(vocabulary.tokens, placed(source, std::move(numbered), vocab_size));
  if (derive_merges(vocabulary.tokens) != merges)
    warnings.emplace_back("there is no tokenizer.model, and GGUF's form of this tokenizer ranks pieces where its merges rank "
                          "pairs; llama.cpp may cut words differently");
  return vocabulary;
}

Result<Vocabulary> read_gemma4(const Source& source, const ToGguf&, std::uint64_t vocab_size,
                               std::vector<std::string>& warnings) {
  HEIRLOOM_TRY(std::vector<NumberedToken> numbered, named_tokens(source));
  warn_of_normalizers(source, warnings);
  Vocabulary vocabulary;
  vocabulary.model = "gemma4";
  vocabulary.has_scores = true;
  vocabulary.adds_space_prefix = false;
  HEIRLOOM_TRY(vocabulary.tokens, placed(source, std::move(numbered), vocab_size));
  HEIRLOOM_TRY(vocabulary.merges, read_merges(source, warnings));
  return vocabulary;
}

}  // namespace heirloom::tokenizer
