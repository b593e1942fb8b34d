#include "engine/tokenizer/source.hpp"

#include "engine/tokenizer/byte_level.hpp"
#include "engine/tokenizer/vocabulary.hpp"

#include <array>
#include <charconv>
#include <unordered_map>

namespace heirloom::tokenizer {

namespace {

Result<std::optional<std::string>> read_text(const ReadFile& read_file, std::string_view name) {
  HEIRLOOM_TRY(const auto bytes, read_file(name));
  if (!bytes)
    return std::optional<std::string>();
  std::string text(bytes->begin(), bytes->end());
  if (!is_utf8(text))
    return fail(Error{Code::malformed, "not UTF-8", no_position, std::string(name)});
  return std::optional<std::string>(std::move(text));
}

// A JSON object; null when there is no such file.
Result<model::Json> read_object(const ReadFile& read_file, std::string_view name) {
  HEIRLOOM_TRY(const auto bytes, read_file(name));
  if (!bytes)
    return model::Json();
  Result<model::Json> json = model::parse_json(std::span<const std::uint8_t>(*bytes));
  if (!json)
    return fail(std::move(json).error().in_file(name));
  if (json->object() == nullptr)
    return fail(Error{Code::malformed, "not a JSON object", no_position, std::string(name)});
  return json;
}

Result<AddedToken> added_token(const model::Json& entry, std::uint64_t id) {
  const std::string* text = token_text(entry.find("content"));
  if (text == nullptr)
    return fail(Code::malformed, "added token " + std::to_string(id) + " has no \"content\"");
  return AddedToken{id,
                    *text,
                    flag_or(entry.find("special"), false),
                    flag_or(entry.find("normalized"), false),
                    flag_or(entry.find("lstrip"), false),
                    flag_or(entry.find("rstrip"), false),
                    flag_or(entry.find("single_word"), false)};
}

// Refuses one id with two texts; a repeated entry is dropped.
Result<void> keep_added(std::vector<AddedToken>& all, std::unordered_map<std::uint64_t, std::size_t>& index_of,
                        AddedToken token) {
  const auto [found, is_new] = index_of.emplace(token.id, all.size());
  if (is_new) {
    all.push_back(std::move(token));
    return {};
  }
  if (all[found->second].text != token.text)
    return fail(Code::malformed, "added tokens " + quoted_token(all[found->second].text) + " and " +
                                     quoted_token(token.text) + " have the same id " + std::to_string(token.id));
  return {};
}

Result<std::vector<AddedToken>> read_added_tokens(const model::Json& tokenizer_json) {
  std::vector<AddedToken> all;
  std::unordered_map<std::uint64_t, std::size_t> index_of;
  const model::Json* list = tokenizer_json.find("added_tokens");
  if (list == nullptr || list->is_null())
    return all;
  if (list->array() == nullptr)
    return fail(Code::malformed, "\"added_tokens\" is not an array");
  for (const model::Json& entry : *list->array()) {
    const std::string* text = token_text(entry.find("content"));
    const model::Json* id_entry = entry.find("id");
    if (text == nullptr || id_entry == nullptr)
      return fail(Code::malformed, "an added token has no \"content\" or no \"id\"");
    HEIRLOOM_TRY(const std::uint64_t id, token_id(*id_entry, *text));
    HEIRLOOM_TRY(AddedToken token, added_token(entry, id));
    HEIRLOOM_CHECK(keep_added(all, index_of, std::move(token)));
  }
  return all;
}

Result<std::vector<AddedToken>> read_added_tokens_decoder(const model::Json& tokenizer_config) {
  std::vector<AddedToken> all;
  std::unordered_map<std::uint64_t, std::size_t> index_of;
  const model::Json* decoder = tokenizer_config.find("added_tokens_decoder");
  if (decoder == nullptr || decoder->is_null())
    return all;
  if (decoder->object() == nullptr)
    return fail(Code::malformed, "\"added_tokens_decoder\" is not an object");
  for (const auto& [name, entry] : *decoder->object()) {
    std::uint64_t id = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (error != std::errc() || end != name.data() + name.size() || id >= max_vocab_size)
      return fail(Code::malformed, "\"added_tokens_decoder\" has " + quoted_token(name) + " for a token id");
    HEIRLOOM_TRY(AddedToken token, added_token(entry, id));
    HEIRLOOM_CHECK(keep_added(all, index_of, std::move(token)));
  }
  return all;
}

// Steps in order, with nested sequences opened. Depth is bounded by the parser.
void open_sequences(const model::Json& step, std::string_view members, std::vector<const model::Json*>& out) {
  if (step.object() == nullptr)
    return;
  if (text_member(step, "type") != "Sequence") {
    out.push_back(&step);
    return;
  }
  const model::Json* inner = step.find(members);
  if (inner != nullptr && inner->array() != nullptr)
    for (const model::Json& entry : *inner->array())
      open_sequences(entry, members, out);
}

}  // namespace

const model::Json* Source::model_member(std::string_view name) const {
  const model::Json* model = tokenizer_json.find("model");
  return model == nullptr ? nullptr : model->find(name);
}

std::string_view Source::model_type() const {
  const model::Json* model = tokenizer_json.find("model");
  if (model == nullptr)
    return {};
  const std::string_view type = text_member(*model, "type");
  // Early files leave the type of BPE out.
  return type.empty() && model->find("merges") != nullptr ? "BPE" : type;
}

Result<Source> read_source(const ReadFile& read_file) {
  Source source;
  HEIRLOOM_TRY(source.tokenizer_json, read_object(read_file, tokenizer_json_name));
  HEIRLOOM_TRY(source.tokenizer_config, read_object(read_file, tokenizer_config_name));
  HEIRLOOM_TRY(source.special_tokens_map, read_object(read_file, "special_tokens_map.json"));
  HEIRLOOM_TRY(source.added_tokens_json, read_object(read_file, "added_tokens.json"));
  HEIRLOOM_TRY(source.config, read_object(read_file, "config.json"));
  HEIRLOOM_TRY(source.chat_template_json, read_object(read_file, "chat_template.json"));
  HEIRLOOM_TRY(source.tokenizer_model, read_file(tokenizer_model_name));
  HEIRLOOM_TRY(source.tiktoken_text, read_text(read_file, tiktoken_model_name));
  HEIRLOOM_TRY(source.vocab_text, read_text(read_file, vocab_text_name));
  HEIRLOOM_TRY(source.merges_text, read_text(read_file, "merges.txt"));
  HEIRLOOM_TRY(source.chat_template_jinja, read_text(read_file, "chat_template.jinja"));
  auto added = read_added_tokens(source.tokenizer_json);
  if (!added)
    return fail(std::move(added).error().in_file(tokenizer_json_name));
  source.added_tokens = std::move(*added);
  auto decoder = read_added_tokens_decoder(source.tokenizer_config);
  if (!decoder)
    return fail(std::move(decoder).error().in_file(tokenizer_config_name));
  source.added_tokens_decoder = std::move(*decoder);
  return source;
}

std::vector<const model::Json*> normalizers_of(const Source& source) {
  std::vector<const model::Json*> steps;
  if (const model::Json* normalizer = source.tokenizer_json.find("normalizer"))
    open_sequences(*normalizer, "normalizers", steps);
  return steps;
}

std::vector<const model::Json*> pre_tokenizer_steps(const Source& source) {
  std::vector<const model::Json*> steps;
  if (const model::Json* pre_tokenizer = source.tokenizer_json.find("pre_tokenizer"))
    open_sequences(*pre_tokenizer, "pretokenizers", steps);
  return steps;
}

const std::string* token_text(const model::Json* entry) {
  if (entry == nullptr)
    return nullptr;
  if (entry->text() != nullptr)
    return entry->text();
  const model::Json* content = entry->find("content");
  return content == nullptr ? nullptr : content->text();
}

bool flag_or(const model::Json* entry, bool fallback) {
  return entry != nullptr && entry->boolean() != nullptr ? *entry->boolean() : fallback;
}

std::string_view text_member(const model::Json& object, std::string_view name) {
  const model::Json* member = object.find(name);
  return member != nullptr && member->text() != nullptr ? std::string_view(*member->text()) : std::string_view();
}

Result<std::uint64_t> token_id(const model::Json& value, std::string_view text) {
  const auto id = value.integer();
  if (!id || *id < 0)
    return fail(Code::malformed, "token " + quoted_token(text) + " has an id that is not a number from 0");
  if (static_cast<std::uint64_t>(*id) >= max_vocab_size)
    return fail(Code::limit, "token " + quoted_token(text) + " has id " + std::to_string(*id) + "; ids are below " +
                                 std::to_string(max_vocab_size));
  return static_cast<std::uint64_t>(*id);
}

bool looks_special(std::string_view text) {
  constexpr std::array exact = {"<pad>", "<mask>", "<2mass>", "[@BOS@]"};
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> brackets = {{
      {"<|", "|>"}, {"<\xef\xbd\x9c", "\xef\xbd\x9c>"}, {"<unused", ">"}}};
  for (const std::string_view name : exact)
    if (text == name)
      return true;
  for (const auto& [open, close] : brackets)
    if (text.starts_with(open) && text.ends_with(close))
      return true;
  return false;
}

std::string with_spaces(std::string text) {
  constexpr std::string_view mark = "\xe2\x96\x81";
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t found = text.find(mark, at);
    if (found == std::string::npos)
      return out + text.substr(at);
    out += text.substr(at, found - at) + ' ';
    at = found + mark.size();
  }
  return out;
}

std::string quoted_token(std::string_view text) {
  constexpr std::size_t longest = 60;
  constexpr std::string_view digits = "0123456789abcdef";
  const bool is_text = is_utf8(text);
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool starts_character = (byte & 0xc0) != 0x80 || !is_text;
    if (i >= longest && starts_character)
      return out + "...\"";
    if (byte >= 0x20 && byte != 0x7f && (byte < 0x80 || is_text))
      out += text[i];
    else
      out.append({'\\', 'x', digits[byte >> 4], digits[byte & 15]});
  }
  return out + "\"";
}

}  // namespace heirloom::tokenizer
