// The reference converter's figures in golden/: model_names.json (name components, titles, size labels, cards) and
// conversion_cards.json (the general.* keys of whole conversions).
#pragma once

#include "engine/card/card.hpp"
#include "engine/model/json.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace heirloom::test {

inline model::Json read_golden(const std::string& name) {
  std::ifstream file(std::string(HEIRLOOM_SOURCE_DIR "/tests/unit/card/golden/") + name, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto json = model::parse_json(std::string_view(text));
  REQUIRE_MESSAGE(json, name << " cannot be read");
  return *json;
}

// The attribute that a row of a golden file describes; its type is "STRING", "UINT32", "ARRAY" and so on.
inline Attr attr_of(const std::string& key, const std::string& type, const model::Json& value) {
  if (type == "STRING")
    return Attr::text(key, *value.text());
  if (type == "UINT32")
    return Attr::scalar(key, static_cast<std::uint32_t>(value.integer().value()));
  if (type == "INT32")
    return Attr::scalar(key, static_cast<std::int32_t>(value.integer().value()));
  if (type == "FLOAT32")
    return Attr::scalar(key, static_cast<float>(value.number().value()));
  REQUIRE_MESSAGE(type.starts_with("ARRAY"), "unknown type " << type);
  std::vector<std::string> texts;
  for (const model::Json& one : *value.array())
    texts.push_back(*one.text());
  return Attr::texts(key, texts);
}

// One line for each attribute, for comparing and for messages.
inline std::string shown(const std::vector<Attr>& attrs) {
  std::string all;
  for (const Attr& attr : attrs) {
    all += attr.key + " " + std::to_string(static_cast<int>(attr.type)) + ":";
    for (const std::string& text : attr.strings)
      all += " '" + text + "'";
    if (const auto single = attr.get<float>())
      all += " " + std::to_string(*single);
    else if (const auto integer = attr.get_integer())
      all += " " + std::to_string(*integer);
    all += "\n";
  }
  return all;
}

// The attributes but general.type, which the cards of model_names.json do not hold.
inline std::vector<Attr> without_type(std::vector<Attr> attrs) {
  std::erase_if(attrs, [](const Attr& attr) { return attr.key == "general.type"; });
  return attrs;
}

// The directory that the cards of model_names.json lie in.
inline card::CardInput card_input(std::string readme) {
  card::CardInput input;
  input.readme = std::move(readme);
  input.directory_name = "Tiny-Model-7B-chat";
  return input;
}

}  // namespace heirloom::test
