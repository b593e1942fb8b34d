#include "engine/tokenizer/hugging_face.hpp"
#include "engine/tokenizer/keys.hpp"
#include "engine/tokenizer/kinds.hpp"
#include "engine/tokenizer/remarks.hpp"
#include "engine/tokenizer/special_tokens.hpp"

#include <algorithm>
#include <array>

namespace heirloom::tokenizer {

namespace {

using model::Json;

// Of the caller, else of config.json; 0 when neither says.
Result<std::uint64_t> wanted_vocab_size(const Source& source, const ToGguf& options) {
  if (options.vocab_size != 0)
    return options.vocab_size;
  for (const std::string_view path : {"vocab_size", "text_config.vocab_size"})
    if (const Json* value = source.config.at(path); value != nullptr && !value->is_null()) {
      const auto size = value->integer();
      if (!size || *size < 0)
        return fail(Error{Code::malformed, "\"vocab_size\" is not a number from 0", no_position, "config.json"});
      return static_cast<std::uint64_t>(*size);
    }
  return 0;
}

std::string in_quotes(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names)
    list += (list.empty() ? "" : ", ") + quoted_token(name);
  return list;
}

// Files without a kind that the architecture has.
Error no_kind(const Source& source, const std::vector<std::string>& wanted) {
  if (source.has_tokenizer_json()) {
    const bool has_bytes = flag_or(source.model_member("byte_fallback"), false);
    return Error{Code::unsupported,
                 "a tokenizer of type " + quoted_token(source.model_type()) + (has_bytes ? " with byte fallback" : "") +
                     " where this architecture has " + in_quotes(wanted),
                 no_position, std::string(tokenizer_json_name)};
  }
  for (const auto& [is_there, name] : {std::pair(source.tokenizer_model.has_value(), tokenizer_model_name),
                                       std::pair(source.tiktoken_text.has_value(), tiktoken_model_name),
                                       std::pair(source.vocab_text.has_value(), vocab_text_name)})
    if (is_there)
      return Error{Code::unsupported, std::string(name) + " alone does not serve this architecture, which has " + in_quotes(wanted)};
  return Error{Code::io, "no tokenizer: neither \"tokenizer.json\" nor \"tokenizer.model\", \"tiktoken.model\" or \"vocab.txt\" is there"};
}

Result<Vocabulary> read_vocabulary(const Source& source, const ToGguf& options, std::vector<std::string>& warnings) {
  HEIRLOOM_TRY(const std::uint64_t size, wanted_vocab_size(source, options));
  for (const std::string& name : options.kinds) {
    HEIRLOOM_CHECK(find_kind(name));
    for (const Kind& kind : all_kinds())
      if (kind.name == name && kind.is_there(source))
        return kind.read(source, options, size, warnings);
  }
  return fail(no_kind(source, options.kinds));
}

std::vector<Attr> one_flag(std::string_view key, bool value) { return {Attr::scalar(std::string(key), value)}; }

// A family may have the flag first; a model without a dummy prefix has it last (formats/facts/tokenizers.md#keys).
std::vector<Attr> first_keys(const Source& source, const ToGguf& options) {
  const Json* flag = source.tokenizer_config.find("add_prefix_space");
  if (!options.writes_space_prefix || flag == nullptr || flag->boolean() == nullptr)
    return {};
  return one_flag(keys::add_space_prefix, *flag->boolean());
}

std::vector<Attr> last_keys(const Vocabulary& vocabulary) {
  return vocabulary.adds_space_prefix ? std::vector<Attr>() : one_flag(keys::add_space_prefix, false);
}

// llama.cpp lowers and strips the texts of WordPiece unless told otherwise, those of other kinds never.
std::vector<Attr> normalizer_keys(const Source& source, const Vocabulary& vocabulary) {
  const bool is_wordpiece = vocabulary.model == "bert";
  bool lowers = false, strips = false;
  for (const Json* step : normalizers_of(source)) {
    const std::string_view type = text_member(*step, "type");
    const bool is_bert = type == "BertNormalizer";
    const bool step_lowers = type == "Lowercase" || (is_bert && flag_or(step->find("lowercase"), true));
    lowers |= step_lowers;
    strips |= type == "StripAccents" || (is_bert && flag_or(step->find("strip_accents"), step_lowers));
  }
  if (is_wordpiece && !source.has_tokenizer_json()) {
    lowers = flag_or(source.tokenizer_config.find("do_lower_case"), true);
    strips = flag_or(source.tokenizer_config.find("strip_accents"), lowers);
  }
  std::vector<Attr> attrs;
  if (lowers || is_wordpiece)
    attrs.push_back(Attr::scalar(std::string(keys::lowercase), lowers));
  if (is_wordpiece && !strips)
    attrs.push_back(Attr::scalar(std::string(keys::strip_accents), false));
  return attrs;
}

void set_user_defined(const std::vector<std::string>& texts, std::vector<Token>& tokens) {
  for (Token& token : tokens)
    if (std::find(texts.begin(), texts.end(), token.text) != texts.end())
      token.type = TokenType::user_defined;
}

void append(std::vector<Attr>& attrs, std::vector<Attr> more) {
  for (Attr& attr : more)
    if (find_attr(attrs, attr.key) == nullptr)
      attrs.push_back(std::move(attr));
}

// Members of tokenizer_config.json that the keys hold.
bool is_carried(std::string_view name) {
  constexpr std::array<std::string_view, 4> names = {"added_tokens_decoder", "chat_template", "add_prefix_space",
                                                     "heirloom"};
  if (std::find(names.begin(), names.end(), name) != names.end())
    return true;
  for (std::size_t role = 0; role < keys::ordinary_roles; ++role) {
    const std::string token = std::string(keys::roles[role].name) + "_token";
    if (name == token || name == "add_" + token)
      return true;
  }
  return false;
}

void list_dropped(const Source& source, const Vocabulary& vocabulary, GgufTokenizer& out) {
  constexpr std::string_view reason = "GGUF has no key for it";
  const auto drop = [&](std::string_view file, std::string_view path, std::string_view why) {
    out.dropped.emplace_back(std::string(file) + ":" + std::string(path), why);
  };
  if (source.tokenizer_config.object() != nullptr)
    for (const auto& [name, value] : *source.tokenizer_config.object())
      if (!value.is_null() && !is_carried(name))
        drop(tokenizer_config_name, name, reason);
  for (const std::string_view name : {"truncation", "padding"})
    if (const Json* value = source.tokenizer_json.find(name); value != nullptr && !value->is_null())
      drop(tokenizer_json_name, name, reason);
  for (const auto& [name, flag] : {std::pair("lstrip", &AddedToken::strips_left), std::pair("rstrip", &AddedToken::strips_right),
                                   std::pair("single_word", &AddedToken::is_single_word)})
    if (std::any_of(source.added_tokens.begin(), source.added_tokens.end(), [has = flag](const AddedToken& token) { return token.*has; }))
      drop(tokenizer_json_name, std::string("added_tokens.") + name, reason);
  if (const Json* dropout = source.model_member("dropout"); dropout != nullptr && !dropout->is_null())
    drop(tokenizer_json_name, "model.dropout", "used in training only");
  if (vocabulary.model == "llama" && !source.tokenizer_model)
    drop(tokenizer_json_name, "model.merges", "the SentencePiece form of GGUF has scores in their place");
  if (vocabulary.model == "bert" && source.model_member("max_input_chars_per_word") != nullptr)
    drop(tokenizer_json_name, "model.max_input_chars_per_word", reason);
}

}  // namespace

Result<GgufTokenizer> to_gguf(const ReadFile& read_file, const ToGguf& options) {
  ToGguf wanted = options;
  if (wanted.kinds.empty())
    for (const Kind& kind : all_kinds())
      if (kind.is_guessed)
        wanted.kinds.emplace_back(kind.name);
  HEIRLOOM_TRY(const Source source, read_source(read_file));
  GgufTokenizer out;
  HEIRLOOM_TRY(Vocabulary vocabulary, read_vocabulary(source, wanted, out.warnings));
  set_user_defined(options.user_defined_tokens, vocabulary.tokens);
  SpecialTokens special = read_special_tokens(source, vocabulary.tokens.size(), out.warnings);
  HEIRLOOM_CHECK(set_special_tokens(source, options.special_tokens, vocabulary.tokens.size(), special));
  append(out.attrs, first_keys(source, wanted));
  append(out.attrs, vocabulary_attrs(vocabulary));
  append(out.attrs, special_token_attrs(special));
  append(out.attrs, chat_template_attrs(source, out.warnings));
  append(out.attrs, normalizer_keys(source, vocabulary));
  append(out.attrs, late_special_token_attrs(special));
  append(out.attrs, last_keys(vocabulary));
  const Remarks remarks = remarks_of(source);
  HEIRLOOM_CHECK(apply_keys(remarks, out.attrs));
  apply_key_order(remarks, out.attrs);
  list_dropped(source, vocabulary, out);
  return out;
}

}  // namespace heirloom::tokenizer
