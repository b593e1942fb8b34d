#include "engine/tokenizer/hugging_face.hpp"
#include "engine/tokenizer/keys.hpp"
#include "engine/tokenizer/pre_tokenizer.hpp"
#include "engine/tokenizer/remarks.hpp"

#include <array>
#include <unordered_map>

namespace heirloom::tokenizer {

namespace {

using model::Json;

constexpr std::string_view word_start = "\xe2\x96\x81";  // U+2581
constexpr std::string_view continuation = "##";

// One token a line.
Result<std::vector<NumberedToken>> read_vocab_text(std::string_view text) {
  std::vector<NumberedToken> numbered;
  std::unordered_map<std::string_view, std::uint64_t> id_of;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    const auto [found, is_new] = id_of.emplace(line, numbered.size());
    if (!is_new)
      return fail(Error{Code::malformed, "lines " + std::to_string(found->second + 1) + " and " +
                                             std::to_string(numbered.size() + 1) + " hold the same token " + quoted_token(line),
                        no_position, std::string(vocab_text_name)});
    numbered.push_back({numbered.size(), Token{std::string(line), 0, TokenType::normal}});
  }
  return numbered;
}

// The control tokens of a vocabulary without tokenizer.json: those named, else BERT's.
void type_named_tokens(const Source& source, std::vector<NumberedToken>& numbered) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> roles = {
      {{"unk_token", "[UNK]"}, {"sep_token", "[SEP]"}, {"pad_token", "[PAD]"}, {"cls_token", "[CLS]"}, {"mask_token", "[MASK]"}}};
  for (const auto& [name, usual] : roles) {
    const std::string* said = token_text(source.tokenizer_config.find(name));
    for (NumberedToken& entry : numbered)
      if (entry.token.text == (said != nullptr ? std::string_view(*said) : usual))
        entry.token.type = TokenType::control;
  }
}

// llama.cpp's form: a mark before what starts a word, nothing before what continues it.
void mark_word_starts(std::vector<Token>& tokens) {
  for (Token& token : tokens) {
    if (token.type == TokenType::control)
      continue;
    if (token.text.starts_with(continuation))
      token.text.erase(0, continuation.size());
    else
      token.text.insert(0, word_start);
  }
}

Result<void> check_model(const Source& source) {
  const Json* prefix = source.model_member("continuing_subword_prefix");
  if (prefix != nullptr && prefix->text() != nullptr && *prefix->text() != continuation)
    return fail(Error{Code::unsupported, "WordPiece with the prefix " + quoted_token(*prefix->text()) + " where GGUF has " +
                                             quoted_token(continuation), no_position, std::string(tokenizer_json_name)});
  return {};
}

}  // namespace

Attr token_type_count(const Source& source) {
  const Json* count = source.config.find("type_vocab_size");
  const auto number = count == nullptr ? std::nullopt : count->integer();
  const bool fits = number && *number >= 0 && *number <= 0xffff;
  return Attr::scalar<std::uint32_t>(std::string(keys::token_type_count), fits ? static_cast<std::uint32_t>(*number) : 1u);
}

Result<Vocabulary> read_wordpiece(const Source& source, const ToGguf& options, std::uint64_t vocab_size,
                                  std::vector<std::string>& warnings) {
  Vocabulary vocabulary;
  vocabulary.model = "bert";
  vocabulary.first_keys = {token_type_count(source)};
  std::vector<NumberedToken> numbered;
  if (source.has_tokenizer_json()) {
    HEIRLOOM_CHECK(check_model(source));
    HEIRLOOM_TRY(vocabulary.pre, find_pre_tokenizer(source, options.pre_tokenizer));
    HEIRLOOM_TRY(numbered, read_vocab_member(source));
  } else {
    vocabulary.pre = options.pre_tokenizer.empty() ? "bert-bge" : options.pre_tokenizer;
    HEIRLOOM_TRY(numbered, read_vocab_text(*source.vocab_text));
    type_named_tokens(source, numbered);
  }
  if (numbered.empty())
    return fail(Error{Code::malformed, "no tokens", no_position,
                      std::string(source.has_tokenizer_json() ? tokenizer_json_name : vocab_text_name)});
  const std::vector<AddedToken> all_added = all_added_tokens(source);
  drop_shadowed(all_added, numbered);
  for (const AddedToken& added : all_added)
    numbered.push_back({added.id, Token{added.text, 0, added.is_special || looks_special(added.text)
                                                           ? TokenType::control : TokenType::user_defined}});
  const std::uint64_t size = vocab_size != 0 ? vocab_size : own_size(numbered);
  HEIRLOOM_CHECK(check_ids(numbered, size));
  HEIRLOOM_TRY(vocabulary.tokens, place_tokens(std::move(numbered), size));
  apply_token_types(remarks_of(source), vocabulary.tokens);
  mark_word_starts(vocabulary.tokens);
  for (const Json* normalizer : normalizers_of(source))
    if (text_member(*normalizer, "type") == "BertNormalizer" && !flag_or(normalizer->find("handle_chinese_chars"), true))
      warnings.emplace_back("the tokenizer keeps Chinese characters together; llama.cpp cuts them apart");
  return vocabulary;
}

}  // namespace heirloom::tokenizer
