#include "engine/tokenizer/remarks.hpp"

#include "engine/tokenizer/attr_json.hpp"
#include "engine/tokenizer/keys.hpp"

#include <algorithm>
#include <charconv>
#include <unordered_map>

namespace heirloom::tokenizer {

namespace {

using model::Json;

constexpr std::string_view member_name = "heirloom";

std::vector<std::string> texts_of(const Json* list) {
  std::vector<std::string> texts;
  if (list != nullptr && list->array() != nullptr)
    for (const Json& entry : *list->array())
      if (entry.text() != nullptr)
        texts.push_back(*entry.text());
  return texts;
}

Json list_of(const std::vector<std::string>& texts) {
  Json::Array list;
  for (const std::string& text : texts)
    list.emplace_back(Json::Value(text));
  return Json(Json::Value(std::move(list)));
}

}  // namespace

Remarks remarks_of(const Source& source) {
  Remarks remarks;
  const Json* member = source.tokenizer_config.find(member_name);
  if (member == nullptr)
    return remarks;
  remarks.pre_tokenizer = text_member(*member, "pre_tokenizer");
  const Json* types = member->find("token_types");
  if (types != nullptr && types->object() != nullptr)
    for (const auto& [name, value] : *types->object()) {
      std::uint64_t id = 0;
      const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
      const auto type = value.integer();
      if (error == std::errc() && end == name.data() + name.size() && type && *type >= 1 && *type <= 6)
        remarks.token_types.emplace_back(id, static_cast<TokenType>(*type));
    }
  const Json* list = member->find("keys");
  if (list != nullptr && list->array() != nullptr)
    for (const Json& entry : *list->array())
      if (auto attr = attr_from_json(entry); attr && attr->key.starts_with(keys::prefix))
        remarks.keys.push_back(std::move(*attr));
  remarks.without = texts_of(member->find("without"));
  remarks.key_order = texts_of(member->find("key_order"));
  return remarks;
}

Json to_json(const Remarks& remarks) {
  Json::Object object;
  if (!remarks.pre_tokenizer.empty())
    object.emplace_back("pre_tokenizer", Json(Json::Value(remarks.pre_tokenizer)));
  Json::Object types;
  for (const auto& [id, type] : remarks.token_types)
    types.emplace_back(std::to_string(id), Json(Json::Value(static_cast<std::int64_t>(type))));
  if (!types.empty())
    object.emplace_back("token_types", Json(Json::Value(std::move(types))));
  Json::Array keys;
  for (const Attr& attr : remarks.keys)
    if (Json entry = attr_to_json(attr); !entry.is_null())
      keys.push_back(std::move(entry));
  if (!keys.empty())
    object.emplace_back("keys", Json(Json::Value(std::move(keys))));
  for (const auto& [name, texts] : {std::pair("without", &remarks.without), std::pair("key_order", &remarks.key_order)})
    if (!texts->empty())
      object.emplace_back(name, list_of(*texts));
  return Json(Json::Value(std::move(object)));
}

void apply_token_types(const Remarks& remarks, std::vector<Token>& tokens) {
  for (const auto& [id, type] : remarks.token_types)
    if (id < tokens.size())
      tokens[id].type = type;
}

Result<void> apply_keys(const Remarks& remarks, std::vector<Attr>& attrs) {
  if (remarks.keys.empty() && remarks.without.empty())
    return {};
  std::erase_if(attrs, [&](const Attr& attr) {
    return std::find(remarks.without.begin(), remarks.without.end(), attr.key) != remarks.without.end();
  });
  for (const Attr& remarked : remarks.keys) {
    const auto found =
        std::find_if(attrs.begin(), attrs.end(), [&](const Attr& attr) { return attr.key == remarked.key; });
    if (found != attrs.end())
      *found = remarked;
    else
      attrs.push_back(remarked);
  }
  if (auto checked = vocabulary_of(attrs); !checked)
    return fail(std::move(checked).error().in_file(tokenizer_config_name));
  return {};
}

void apply_key_order(const Remarks& remarks, std::vector<Attr>& attrs) {
  if (remarks.key_order.empty())
    return;
  std::unordered_map<std::string_view, std::size_t> place_of;
  for (std::size_t i = 0; i < remarks.key_order.size(); ++i)
    place_of.emplace(remarks.key_order[i], i);
  const auto place = [&](const Attr& attr) {
    const auto found = place_of.find(attr.key);
    return found == place_of.end() ? remarks.key_order.size() : found->second;
  };
  std::stable_sort(attrs.begin(), attrs.end(),
                   [&](const Attr& a, const Attr& b) { return place(a) < place(b); });
}

}  // namespace heirloom::tokenizer
