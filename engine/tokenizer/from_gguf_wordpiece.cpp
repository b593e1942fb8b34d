#include "engine/tokenizer/from_gguf.hpp"
#include "engine/tokenizer/pre_tokenizer.hpp"

#include <algorithm>
#include <unordered_map>

namespace heirloom::tokenizer {

namespace {

using model::Json;

constexpr std::string_view word_start = "\xe2\x96\x81";  // U+2581

bool is_added(const Token& token) {
  return token.type == TokenType::control || token.type == TokenType::user_defined;
}

// WordPiece marks what continues a word, GGUF what starts one.
std::string unmarked(const Token& token) {
  if (token.type == TokenType::control)
    return token.text;
  return token.text.starts_with(word_start) ? token.text.substr(word_start.size()) : "##" + token.text;
}

bool is_padding(const Token& token, std::uint64_t id) {
  return token.type == TokenType::unused && unmarked(token) == padding_text(id);
}

// By id, without padding.
Result<Json::Object> vocab_member(const std::vector<Token>& tokens) {
  Json::Object vocab;
  std::unordered_map<std::string, std::uint64_t> id_of;
  for (std::uint64_t id = 0; id < tokens.size(); ++id) {
    if (is_padding(tokens[id], id))
      continue;
    const auto [found, is_new] = id_of.emplace(unmarked(tokens[id]), id);
    if (!is_new)
      return fail(Code::malformed, "tokens " + std::to_string(found->second) + " and " + std::to_string(id) +
                                       " are both " + quoted_token(found->first) + " in WordPiece's form");
    vocab.emplace_back(found->first, json_number(id));
  }
  return vocab;
}

std::vector<AddedToken> added_tokens(const std::vector<Token>& tokens) {
  std::vector<AddedToken> added;
  for (std::uint64_t id = 0; id < tokens.size(); ++id)
    if (is_added(tokens[id]))
      added.push_back({id, unmarked(tokens[id]), tokens[id].type == TokenType::control, false});
  return added;
}

Json normalizer(const GgufSource& gguf) {
  const bool lowers = gguf.lowers.value_or(true);
  const bool strips = gguf.strips_accents.value_or(true);
  return json_object({{"type", json_text("BertNormalizer")},
                      {"clean_text", json_flag(true)},
                      {"handle_chinese_chars", json_flag(true)},
                      {"strip_accents", strips == lowers ? Json() : json_flag(strips)},
                      {"lowercase", json_flag(lowers)}});
}

// vocab.txt numbers tokens by line, so it cannot leave one out.
std::optional<std::string> vocab_text(const Json::Object& vocab) {
  std::string text;
  std::uint64_t next = 0;
  for (const auto& [token, id] : vocab) {
    if (id.integer() != static_cast<std::int64_t>(next++) || token.find_first_of("\r\n") != std::string::npos)
      return std::nullopt;
    text += token + "\n";
  }
  return text;
}

// GGUF names bos what begins a text, and eos what ends one; BERT has cls and sep. llama.cpp adds both unless told otherwise.
Role first_role(const GgufSource& gguf) { return gguf.ids[bos] ? bos : cls; }
Role last_role(const GgufSource& gguf) { return gguf.ids[eos] ? eos : sep; }

Json post_processor(const GgufSource& gguf) {
  const std::string *first = gguf.text_of(first_role(gguf)), *last = gguf.text_of(last_role(gguf));
  if (first == nullptr || last == nullptr || !gguf.additions[bos].value_or(true) || !gguf.additions[eos].value_or(true))
    return write_template(gguf);
  Json::Array single = {template_part("SpecialToken", *first, 0), template_part("Sequence", "A", 0),
                        template_part("SpecialToken", *last, 0)};
  Json::Array pair = single;
  pair.push_back(template_part("Sequence", "B", 1));
  pair.push_back(template_part("SpecialToken", *last, 1));
  return json_object({{"type", json_text("TemplateProcessing")},
                      {"single", json_array(std::move(single))},
                      {"pair", json_array(std::move(pair))},
                      {"special_tokens", json_object({template_token(*first, *gguf.ids[first_role(gguf)]),
                                                      template_token(*last, *gguf.ids[last_role(gguf)])})}});
}

// llama.cpp cuts words for WordPiece in one way, whatever the name.
std::string written_pre_tokenizer(const std::string& name) {
  const std::vector<std::string> known = known_pre_tokenizers("WordPiece");
  return std::find(known.begin(), known.end(), name) != known.end() ? name : "bert-bge";
}

}  // namespace

Result<HuggingFaceFiles> write_wordpiece(const GgufSource& gguf) {
  HEIRLOOM_CHECK(check_utf8(gguf.vocabulary.tokens));
  HEIRLOOM_TRY(Json::Object vocab, vocab_member(gguf.vocabulary.tokens));
  HEIRLOOM_TRY(const PreTokenizer pre_tokenizer, write_pre_tokenizer(written_pre_tokenizer(gguf.vocabulary.pre)));
  const std::vector<AddedToken> added = added_tokens(gguf.vocabulary.tokens);
  const std::string* unknown = gguf.text_of(unk);
  HuggingFaceFiles files;
  files.vocab_text = vocab_text(vocab);
  files.tokenizer_json = json_object(
      {{"version", json_text("1.0")},
       {"truncation", Json()},
       {"padding", Json()},
       {"added_tokens", write_added_tokens(added)},
       {"normalizer", normalizer(gguf)},
       {"pre_tokenizer", pre_tokenizer.steps},
       {"post_processor", post_processor(gguf)},
       {"decoder", json_object({{"type", json_text("WordPiece")}, {"prefix", json_text("##")}, {"cleanup", json_flag(true)}})},
       {"model", json_object({{"type", json_text("WordPiece")},
                              {"unk_token", unknown == nullptr ? json_text("[UNK]") : json_text(*unknown)},
                              {"continuing_subword_prefix", json_text("##")},
                              {"max_input_chars_per_word", json_number(100)},
                              {"vocab", json_object(std::move(vocab))}})}});
  files.tokenizer_config = write_tokenizer_config(gguf, added, "BertTokenizer", false);
  // llama.cpp strips and lowers alike for all; these are what transformers' class reads.
  files.tokenizer_config.set("do_lower_case", json_flag(gguf.lowers.value_or(true)));
  if (gguf.strips_accents)
    files.tokenizer_config.set("strip_accents", json_flag(*gguf.strips_accents));
  for (const auto& [name, role] : {std::pair("cls_token", first_role(gguf)), std::pair("sep_token", last_role(gguf))})
    if (const std::string* text = gguf.text_of(role))
      files.tokenizer_config.set(name, json_text(*text));
  return files;
}

}  // namespace heirloom::tokenizer
