#include "engine/tokenizer/vocabulary.hpp"

#include "engine/tokenizer/keys.hpp"
#include "engine/tokenizer/source.hpp"

#include <algorithm>

namespace heirloom::tokenizer {

namespace {

Result<const Attr*> text_array(const std::vector<Attr>& attrs, std::string_view key) {
  const Attr* attr = find_attr(attrs, key);
  if (attr != nullptr && !attr->is_array_of(AttrType::string))
    return fail(Code::malformed, quoted_token(key) + " is not an array of strings");
  return attr;
}

// An array that goes with the tokens; null when absent.
Result<const Attr*> parallel_array(const std::vector<Attr>& attrs, std::string_view key, AttrType element,
                                   std::uint64_t count) {
  const Attr* attr = find_attr(attrs, key);
  if (attr == nullptr)
    return nullptr;
  if (!attr->is_array_of(element))
    return fail(Code::malformed, quoted_token(key) + " is not an array of the expected type");
  if (attr->count() != count)
    return fail(Code::malformed, quoted_token(key) + " has " + std::to_string(attr->count()) +
                                     " elements for " + std::to_string(count) + " tokens");
  return attr;
}

std::string text_or_empty(const std::vector<Attr>& attrs, std::string_view key) {
  const Attr* attr = find_attr(attrs, key);
  return attr == nullptr ? std::string() : std::string(attr->get_text().value_or(""));
}

}  // namespace

std::string padding_text(std::uint64_t id) {
  std::string text = "[PAD";
  text += std::to_string(id);
  text += ']';
  return text;
}

Result<void> check_vocab_size(std::uint64_t vocab_size, std::uint64_t token_count) {
  if (vocab_size > max_vocab_size)
    return fail(Code::limit, "a vocabulary of " + std::to_string(vocab_size) + " tokens exceeds the limit of " +
                                 std::to_string(max_vocab_size));
  if (vocab_size > token_count && vocab_size - token_count > max_padding_tokens)
    return fail(Code::limit, "the tokenizer has " + std::to_string(token_count) + " tokens for " +
                                 std::to_string(vocab_size) + " ids; at most " +
                                 std::to_string(max_padding_tokens) + " may be padding");
  return {};
}

Result<std::vector<Token>> place_tokens(std::vector<NumberedToken> numbered, std::uint64_t vocab_size) {
  HEIRLOOM_CHECK(check_vocab_size(vocab_size, numbered.size()));
  std::vector<Token> tokens(vocab_size);
  std::vector<bool> is_placed(vocab_size);
  for (NumberedToken& entry : numbered) {
    tokens[entry.id] = std::move(entry.token);
    is_placed[entry.id] = true;
  }
  for (std::uint64_t id = 0; id < vocab_size; ++id)
    if (!is_placed[id])
      tokens[id] = Token{padding_text(id), padding_score, TokenType::unused};
  return tokens;
}

std::vector<Attr> vocabulary_attrs(const Vocabulary& vocabulary) {
  std::vector<std::string> texts;
  std::vector<float> scores;
  std::vector<std::int32_t> types;
  for (const Token& token : vocabulary.tokens) {
    texts.push_back(token.text);
    scores.push_back(token.score);
    types.push_back(static_cast<std::int32_t>(token.type));
  }
  std::vector<Attr> attrs = vocabulary.first_keys;
  attrs.push_back(Attr::text(std::string(keys::model), vocabulary.model));
  if (!vocabulary.pre.empty())
    attrs.push_back(Attr::text(std::string(keys::pre), vocabulary.pre));
  attrs.push_back(Attr::texts(std::string(keys::tokens), std::move(texts)));
  if (vocabulary.has_scores)
    attrs.push_back(Attr::array(std::string(keys::scores), scores));
  attrs.push_back(Attr::array(std::string(keys::token_type), types));
  attrs.insert(attrs.end(), vocabulary.more_keys.begin(), vocabulary.more_keys.end());
  if (!vocabulary.merges.empty())
    attrs.push_back(Attr::texts(std::string(keys::merges), vocabulary.merges));
  return attrs;
}

Result<Vocabulary> vocabulary_of(const std::vector<Attr>& attrs) {
  Vocabulary vocabulary;
  vocabulary.model = text_or_empty(attrs, keys::model);
  vocabulary.pre = text_or_empty(attrs, keys::pre);
  HEIRLOOM_TRY(const Attr* texts, text_array(attrs, keys::tokens));
  if (texts == nullptr || texts->strings.empty())
    return fail(Code::malformed, quoted_token(keys::tokens) + " is missing or empty");
  const std::uint64_t count = texts->strings.size();
  HEIRLOOM_TRY(const Attr* scores, parallel_array(attrs, keys::scores, AttrType::f32, count));
  HEIRLOOM_TRY(const Attr* types, parallel_array(attrs, keys::token_type, AttrType::i32, count));
  HEIRLOOM_TRY(const Attr* merges, text_array(attrs, keys::merges));
  vocabulary.has_scores = scores != nullptr;
  for (std::uint64_t id = 0; id < count; ++id) {
    const std::int32_t type = types == nullptr ? 1 : types->get<std::int32_t>(id).value_or(1);
    if (type < 1 || type > 6)
      return fail(Code::malformed, "token " + std::to_string(id) + " has type " + std::to_string(type) +
                                       "; types are 1 to 6");
    vocabulary.tokens.push_back({texts->strings[id], scores == nullptr ? 0 : scores->get<float>(id).value_or(0),
                                 static_cast<TokenType>(type)});
  }
  if (merges != nullptr)
    vocabulary.merges = merges->strings;
  return vocabulary;
}

}  // namespace heirloom::tokenizer
