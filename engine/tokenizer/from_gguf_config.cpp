#include "engine/tokenizer/from_gguf.hpp"

namespace heirloom::tokenizer {

namespace {

using model::Json;

Json chat_template_member(const std::vector<ChatTemplate>& templates) {
  if (templates.size() == 1 && templates[0].name == "default")
    return json_text(templates[0].text);
  Json::Array list;
  for (const ChatTemplate& entry : templates)
    list.push_back(json_object({{"name", json_text(entry.name)}, {"template", json_text(entry.text)}}));
  return json_array(std::move(list));
}

Json added_token(const AddedToken& token) {
  return json_object({{"content", json_text(token.text)},
                      {"single_word", json_flag(false)},
                      {"lstrip", json_flag(false)},
                      {"rstrip", json_flag(false)},
                      {"normalized", json_flag(token.is_normalized)},
                      {"special", json_flag(token.is_special)}});
}

}  // namespace

Json json_text(std::string_view text) { return Json(Json::Value(std::string(text))); }
Json json_flag(bool flag) { return Json(Json::Value(flag)); }
Json json_number(std::uint64_t number) { return Json(Json::Value(static_cast<std::int64_t>(number))); }
Json json_object(Json::Object members) { return Json(Json::Value(std::move(members))); }
Json json_array(Json::Array elements) { return Json(Json::Value(std::move(elements))); }

Json write_tokenizer_config(const GgufSource& gguf, const std::vector<AddedToken>& added,
                            std::string_view tokenizer_class, bool says_separator) {
  Json::Object config;
  for (const Role role : {bos, eos, sep})
    if (gguf.additions[role] && !(role == sep && says_separator))
      config.emplace_back("add_" + std::string(keys::roles[role].name) + "_token", json_flag(*gguf.additions[role]));
  if (gguf.adds_space_prefix)
    config.emplace_back("add_prefix_space", json_flag(*gguf.adds_space_prefix));
  Json::Object decoder;
  for (const AddedToken& token : added)
    decoder.emplace_back(std::to_string(token.id), added_token(token));
  config.emplace_back("added_tokens_decoder", json_object(std::move(decoder)));
  for (std::size_t role = 0; role < keys::ordinary_roles; ++role)
    if (const std::string* text = gguf.text_of(static_cast<Role>(role)))
      config.emplace_back(std::string(keys::roles[role].name) + "_token", json_text(*text));
  if (!gguf.templates.empty())
    config.emplace_back("chat_template", chat_template_member(gguf.templates));
  config.emplace_back("clean_up_tokenization_spaces", json_flag(false));
  config.emplace_back("tokenizer_class", json_text(tokenizer_class));
  return json_object(std::move(config));
}

Json write_added_tokens(const std::vector<AddedToken>& added) {
  Json::Array list;
  for (const AddedToken& token : added) {
    Json::Object entry = *added_token(token).object();
    entry.emplace(entry.begin(), "id", json_number(token.id));
    list.push_back(json_object(std::move(entry)));
  }
  return json_array(std::move(list));
}

Json template_part(std::string_view kind, std::string_view id, std::uint64_t type_id) {
  return json_object(
      {{std::string(kind), json_object({{"id", json_text(id)}, {"type_id", json_number(type_id)}})}});
}

std::pair<std::string, Json> template_token(const std::string& text, std::uint64_t id) {
  return {text, json_object({{"id", json_text(text)},
                             {"ids", json_array({json_number(id)})},
                             {"tokens", json_array({json_text(text)})}})};
}

Json write_template(const GgufSource& gguf) {
  const auto text_if_added = [&](Role role) {
    return gguf.additions[role].value_or(false) ? gguf.text_of(role) : nullptr;
  };
  const std::string* first = text_if_added(bos);
  const std::string* last = text_if_added(eos);
  if (first == nullptr && last == nullptr)
    return {};
  Json::Array single, pair;
  Json::Object specials;
  const auto put = [](Json::Array& parts, const std::string* text, std::uint64_t type_id) {
    if (text != nullptr)
      parts.push_back(template_part("SpecialToken", *text, type_id));
  };
  put(single, first, 0);
  single.push_back(template_part("Sequence", "A", 0));
  put(single, last, 0);
  put(pair, first, 0);
  pair.push_back(template_part("Sequence", "A", 0));
  // A first token before B too is how a tokenizer says that no separator stands between A and B.
  if (gguf.additions[sep].has_value() && !*gguf.additions[sep])
    put(pair, first, 1);
  pair.push_back(template_part("Sequence", "B", 1));
  put(pair, last, 1);
  for (const auto& [text, role] : {std::pair(first, bos), std::pair(last, eos)})
    if (text != nullptr && (specials.empty() || specials.front().first != *text))
      specials.push_back(template_token(*text, *gguf.ids[role]));
  return json_object({{"type", json_text("TemplateProcessing")},
                      {"single", json_array(std::move(single))},
                      {"pair", json_array(std::move(pair))},
                      {"special_tokens", json_object(std::move(specials))}});
}

}  // namespace heirloom::tokenizer
