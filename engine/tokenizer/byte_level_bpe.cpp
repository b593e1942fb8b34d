#include "engine/tokenizer/byte_level.hpp"
#include "engine/tokenizer/hugging_face.hpp"
#include "engine/tokenizer/pre_tokenizer.hpp"
#include "engine/tokenizer/remarks.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace heirloom::tokenizer {

namespace {

using model::Json;

constexpr std::string_view space_mark = "\xc4\xa0";  // U+0120, the byte-level form of a space

Error in_tokenizer_json(Code code, std::string message) {
  return Error{code, std::move(message), no_position, std::string(tokenizer_json_name)};
}

// Text and type as formats/facts/tokenizers.md#token-types has them.
Token converted(const AddedToken& added) {
  Token token{added.text, 0, TokenType::control};
  if (!added.is_normalized)
    token.text = decode_byte_level(added.text);
  if (!added.is_special && !looks_special(token.text)) {
    token.type = TokenType::user_defined;
    token.text = with_spaces(std::move(token.text));
  }
  return token;
}

std::string with_space_marks(const std::string& part) {
  std::string out;
  for (const char c : part) {
    if (c == ' ')
      out += space_mark;
    else
      out += c;
  }
  return out;
}

Result<std::string> merge_text(const Json& merge) {
  if (merge.text() != nullptr)
    return *merge.text();
  const Json::Array* pair = merge.array();
  if (pair == nullptr || pair->size() != 2 || (*pair)[0].text() == nullptr || (*pair)[1].text() == nullptr)
    return fail(in_tokenizer_json(Code::malformed, "a merge is neither a string nor a pair of strings"));
  return with_space_marks(*(*pair)[0].text()) + " " + with_space_marks(*(*pair)[1].text());
}

std::vector<std::string_view> words_of(std::string_view line) {
  constexpr std::string_view blanks = " \t\r\v\f";
  std::vector<std::string_view> words;
  for (std::size_t at = line.find_first_not_of(blanks); at != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(blanks, at), line.size());
    words.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(blanks, end);
  }
  return words;
}

// One pair per line; a first line that starts with "#" is the version.
std::vector<std::string> merges_of_text(std::string_view text, std::vector<std::string>& warnings) {
  std::vector<std::string> merges;
  std::size_t malformed = 0;
  for (bool is_first = true; !text.empty(); is_first = false) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto words = words_of(line);
    if (words.empty() || (is_first && words[0].starts_with('#')))
      continue;
    if (words.size() == 2)
      merges.push_back(std::string(words[0]) + " " + std::string(words[1]));
    else
      ++malformed;
  }
  if (malformed != 0)
    warnings.push_back("merges.txt: " + std::to_string(malformed) + " lines are no pairs and are left out");
  return merges;
}

void warn_of_repeats(const std::vector<Token>& tokens, std::vector<std::string>& warnings) {
  std::unordered_set<std::string_view> seen;
  for (std::size_t id = 0; id < tokens.size(); ++id)
    if (!seen.insert(tokens[id].text).second) {
      warnings.push_back("token " + std::to_string(id) + " has the same text as an earlier one: " +
                         quoted_token(tokens[id].text));
      return;
    }
}

Result<void> check_model(const Source& source) {
  if (source.model_type() != "BPE")
    return fail(in_tokenizer_json(Code::unsupported, "a tokenizer of type " + quoted_token(source.model_type()) +
                                                         "; byte-level BPE and SentencePiece are known"));
  if (flag_or(source.model_member("byte_fallback"), false))
    return fail(in_tokenizer_json(Code::unsupported,
                                  "a byte-fallback BPE tokenizer where this architecture has byte-level BPE"));
  return {};
}

}  // namespace

std::vector<AddedToken> all_added_tokens(const Source& source) {
  std::vector<AddedToken> all = source.added_tokens;
  std::unordered_set<std::uint64_t> ids;
  std::unordered_set<std::string_view> texts;
  for (const AddedToken& token : source.added_tokens) {
    ids.insert(token.id);
    texts.insert(token.text);
  }
  for (const AddedToken& token : source.added_tokens_decoder)
    if (!ids.contains(token.id) && !texts.contains(token.text))
      all.push_back(token);
  return all;
}

Result<std::vector<std::string>> read_merges(const Source& source, std::vector<std::string>& warnings) {
  std::vector<std::string> merges;
  if (const Json* list = source.model_member("merges"); list != nullptr && !list->is_null()) {
    if (list->array() == nullptr)
      return fail(in_tokenizer_json(Code::malformed, "\"merges\" is not an array"));
    for (const Json& entry : *list->array()) {
      HEIRLOOM_TRY(std::string merge, merge_text(entry));
      merges.push_back(std::move(merge));
    }
  }
  if (merges.empty() && source.merges_text)
    merges = merges_of_text(*source.merges_text, warnings);
  if (merges.empty())
    warnings.emplace_back("the tokenizer has no merges");
  return merges;
}

std::uint64_t own_size(const std::vector<NumberedToken>& numbered) {
  std::uint64_t size = 0;
  for (const NumberedToken& entry : numbered)
    size = std::max(size, entry.id + 1);
  return size;
}

Result<void> check_ids(const std::vector<NumberedToken>& numbered, std::uint64_t vocab_size) {
  for (const NumberedToken& entry : numbered)
    if (entry.id >= vocab_size)
      return fail(Code::malformed, "token " + quoted_token(entry.token.text) + " has id " + std::to_string(entry.id) +
                                       ", but the vocabulary has " + std::to_string(vocab_size) + " tokens");
  return {};
}

Result<std::vector<NumberedToken>> read_vocab_member(const Source& source) {
  const Json* vocab = source.model_member("vocab");
  if (vocab == nullptr || vocab->object() == nullptr)
    return fail(in_tokenizer_json(Code::malformed, "\"model\" has no object \"vocab\""));
  std::vector<NumberedToken> numbered;
  numbered.reserve(vocab->object()->size());
  std::unordered_map<std::uint64_t, std::string_view> text_of;
  for (const auto& [text, value] : *vocab->object()) {
    auto id = token_id(value, text);
    if (!id)
      return fail(std::move(id).error().in_file(tokenizer_json_name));
    const auto [found, is_new] = text_of.emplace(*id, text);
    if (!is_new)
      return fail(in_tokenizer_json(Code::malformed, "tokens " + quoted_token(found->second) + " and " +
                                                         quoted_token(text) + " have the same id " +
                                                         std::to_string(*id)));
    numbered.push_back({*id, Token{text, 0, TokenType::normal}});
  }
  return numbered;
}

void drop_shadowed(const std::vector<AddedToken>& added, std::vector<NumberedToken>& numbered) {
  std::unordered_map<std::string_view, std::uint64_t> id_of;
  for (const AddedToken& token : added)
    id_of.emplace(token.text, token.id);
  std::erase_if(numbered, [&](const NumberedToken& entry) {
    const auto found = id_of.find(entry.token.text);
    return found != id_of.end() && found->second != entry.id;
  });
}

Result<Vocabulary> read_byte_level_bpe(const Source& source, const ToGguf& options, std::uint64_t vocab_size,
                                       std::vector<std::string>& warnings) {
  HEIRLOOM_CHECK(check_model(source));
  Vocabulary vocabulary;
  vocabulary.model = "gpt2";
  HEIRLOOM_TRY(vocabulary.pre, find_pre_tokenizer(source, options.pre_tokenizer));
  HEIRLOOM_TRY(std::vector<NumberedToken> numbered, read_vocab_member(source));
  const std::vector<AddedToken> all_added = all_added_tokens(source);
  drop_shadowed(all_added, numbered);
  for (const AddedToken& added : all_added)
    numbered.push_back({added.id, converted(added)});
  const std::uint64_t size = vocab_size != 0 ? vocab_size : own_size(numbered);
  HEIRLOOM_CHECK(check_ids(numbered, size));
  HEIRLOOM_TRY(vocabulary.tokens, place_tokens(std::move(numbered), size));
  apply_token_types(remarks_of(source), vocabulary.tokens);
  warn_of_repeats(vocabulary.tokens, warnings);
  HEIRLOOM_TRY(vocabulary.merges, read_merges(source, warnings));
  return vocabulary;
}

}  // namespace heirloom::tokenizer
