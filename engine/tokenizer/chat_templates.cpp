#include "engine/tokenizer/keys.hpp"
#include "engine/tokenizer/special_tokens.hpp"

#include <algorithm>
#include <cctype>

namespace heirloom::tokenizer {

namespace {

using model::Json;

constexpr std::string_view default_name = "default";

// tokenizer_config.json comes first, then chat_template.jinja, then chat_template.json. Null when there is none.
const Json* find_template(const Source& source) {
  const Json* in_config = source.tokenizer_config.find("chat_template");
  if (in_config != nullptr && !in_config->is_null())
    return in_config;
  return source.chat_template_jinja ? nullptr : source.chat_template_json.find("chat_template");
}

std::vector<ChatTemplate> read_templates(const Source& source, std::vector<std::string>& warnings) {
  const Json* found = find_template(source);
  if (found == nullptr)
    return source.chat_template_jinja
               ? std::vector<ChatTemplate>{{std::string(default_name), *source.chat_template_jinja}}
               : std::vector<ChatTemplate>();
  if (found->text() != nullptr)
    return {{std::string(default_name), *found->text()}};
  std::vector<ChatTemplate> templates;
  if (found->array() != nullptr) {
    for (const Json& entry : *found->array())
      templates.push_back({std::string(text_member(entry, "name")), std::string(text_member(entry, "template"))});
  } else if (!found->is_null()) {
    warnings.emplace_back("the chat template is neither a text nor a list and is left out");
  }
  return templates;
}

// The part of a key that stands for a template's name.
std::string key_part(std::string name) {
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)))
      c = '_';
  return name;
}

std::string named_key(const std::string& part) { return std::string(keys::chat_template) + "." + part; }

}  // namespace

std::vector<Attr> chat_template_attrs(const Source& source, std::vector<std::string>& warnings) {
  std::vector<Attr> attrs;
  std::string default_text;
  std::vector<std::string> names;
  std::vector<ChatTemplate> templates = read_templates(source, warnings);
  std::stable_sort(templates.begin(), templates.end(),
                   [](const ChatTemplate& a, const ChatTemplate& b) { return a.name < b.name; });
  for (const ChatTemplate& entry : templates) {
    const std::string part = key_part(entry.name);
    if (entry.name == default_name) {
      default_text = entry.text;
    } else if (!part.empty() && !entry.text.empty() && std::find(names.begin(), names.end(), part) == names.end()) {
      attrs.push_back(Attr::text(named_key(part), entry.text));
      names.push_back(part);
    }
  }
  if (!names.empty())
    attrs.push_back(Attr::texts(std::string(keys::chat_templates), std::move(names)));
  if (!default_text.empty())
    attrs.push_back(Attr::text(std::string(keys::chat_template), default_text));
  return attrs;
}

std::vector<ChatTemplate> chat_templates_of(const std::vector<Attr>& attrs) {
  std::vector<ChatTemplate> templates;
  if (const Attr* attr = find_attr(attrs, keys::chat_template); attr != nullptr && attr->get_text())
    templates.push_back({std::string(default_name), std::string(*attr->get_text())});
  if (const Attr* names = find_attr(attrs, keys::chat_templates))
    for (const std::string& name : names->strings)
      if (const Attr* attr = find_attr(attrs, named_key(name)); attr != nullptr && attr->get_text())
        templates.push_back({name, std::string(*attr->get_text())});
  return templates;
}

}  // namespace heirloom::tokenizer
