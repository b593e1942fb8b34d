#include "engine/tokenizer/hugging_face.hpp"
#include "engine/tokenizer/keys.hpp"
#include "engine/tokenizer/remarks.hpp"
#include "engine/tokenizer/special_tokens.hpp"

#include <algorithm>
#include <array>

namespace heirloom::tokenizer {

namespace {

using model::Json;

constexpr std::string_view sentencepiece_kind = "sentencepiece";
constexpr std::string_view bpe_kind = "bpe";

bool has_kind(const ToGguf& options, std::string_view kind) {
  return std::find(options.kinds.begin(), options.kinds.end(), kind) != options.kinds.end();
}

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

Result<Vocabulary> read_vocabulary(const Source& source, const ToGguf& options, std::vector<std::string>& warnings) {
  HEIRLOOM_TRY(const std::uint64_t size, wanted_vocab_size(source, options));
  for (const std::string& kind : options.kinds) {
    if (kind == sentencepiece_kind) {
      if (source.tokenizer_model)
        return read_sentencepiece(source, size, warnings);
      if (is_byte_fallback_bpe(source))
        return read_byte_fallback_bpe(source, size, warnings);
    } else if (kind == bpe_kind) {
      if (source.has_tokenizer_json())
        return read_byte_level_bpe(source, options, size, warnings);
    } else {
      return fail(Code::misuse,
                  "tokenizer kind " + quoted_token(kind) + " is not known; \"sentencepiece\" and \"bpe\" are");
    }
  }
  if (source.has_tokenizer_json())
    return fail(Error{Code::unsupported, "a tokenizer of type " + quoted_token(source.model_type()) +
                                             " where this architecture has SentencePiece",
                      no_position, std::string(tokenizer_json_name)});
  const bool has_other = source.tokenizer_model.has_value();
  return fail(has_other ? Code::unsupported : Code::io,
              has_other ? "tokenizer.model alone does not serve this architecture, which has byte-level BPE"
                        : "no tokenizer: neither \"tokenizer.json\" nor \"tokenizer.model\" is there");
}

std::vector<Attr> one_flag(std::string_view key, bool value) { return {Attr::scalar(std::string(key), value)}; }

// Llama's family tries both kinds and has the flag first; of other families only a model without a dummy prefix has
// one, last (formats/facts/tokenizers.md#keys).
std::vector<Attr> first_keys(const Source& source, const ToGguf& options) {
  const Json* flag = source.tokenizer_config.find("add_prefix_space");
  const bool is_llama_family = has_kind(options, sentencepiece_kind) && has_kind(options, bpe_kind);
  if (!is_llama_family || flag == nullptr || flag->boolean() == nullptr)
    return {};
  return one_flag(keys::add_space_prefix, *flag->boolean());
}

std::vector<Attr> last_keys(const Vocabulary& vocabulary) {
  return vocabulary.adds_space_prefix ? std::vector<Attr>() : one_flag(keys::add_space_prefix, false);
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
  if (const Json* dropout = source.model_member("dropout"); dropout != nullptr && !dropout->is_null())
    drop(tokenizer_json_name, "model.dropout", "used in training only");
  if (vocabulary.model == "llama" && !source.tokenizer_model)
    drop(tokenizer_json_name, "model.merges", "the SentencePiece form of GGUF has scores in their place");
}

}  // namespace

Result<GgufTokenizer> to_gguf(const ReadFile& read_file, const ToGguf& options) {
  ToGguf wanted = options;
  if (wanted.kinds.empty())
    wanted.kinds = {std::string(sentencepiece_kind), std::string(bpe_kind)};
  HEIRLOOM_TRY(const Source source, read_source(read_file));
  GgufTokenizer out;
  HEIRLOOM_TRY(const Vocabulary vocabulary, read_vocabulary(source, wanted, out.warnings));
  SpecialTokens special = read_special_tokens(source, vocabulary.tokens.size(), out.warnings);
  HEIRLOOM_CHECK(set_special_tokens(source, options.special_tokens, vocabulary.tokens.size(), special));
  append(out.attrs, first_keys(source, wanted));
  append(out.attrs, vocabulary_attrs(vocabulary));
  append(out.attrs, special_token_attrs(special));
  append(out.attrs, chat_template_attrs(source, out.warnings));
  append(out.attrs, late_token_attrs(special));
  append(out.attrs, last_keys(vocabulary));
  const Remarks remarks = remarks_of(source);
  HEIRLOOM_CHECK(apply_keys(remarks, out.attrs));
  apply_key_order(remarks, out.attrs);
  list_dropped(source, vocabulary, out);
  return out;
}

}  // namespace heirloom::tokenizer
