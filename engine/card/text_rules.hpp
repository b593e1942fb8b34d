// Which front-matter keys feed which general.* text, and the order in which the reference converter writes the texts.
// Of several front-matter keys the first that has a value counts. Source: formats/facts/model-card.md#keys.
#pragma once

#include <array>
#include <string_view>

namespace heirloom::card {

struct TextRule {
  std::string_view gguf_key;
  std::array<std::string_view, 3> card_keys;  // "" ends the list
  std::string_view written_as;                // the front-matter key that is written for it
};

inline constexpr std::array text_rules = {
    TextRule{"general.name", {"name", "model_name"}, "model_name"},
    TextRule{"general.author", {"author", "model_author", "model_creator"}, "model_creator"},
    TextRule{"general.version", {"version", "model_version"}, "model_version"},
    TextRule{"general.organization", {"organization", "model_organization"}, "model_organization"},
    TextRule{"general.finetune", {"finetune", "model_finetune"}, "model_finetune"},
    TextRule{"general.basename", {"basename", "model_basename", "model_type"}, "model_basename"},
    TextRule{"general.description", {"description", "model_description"}, "model_description"},
    TextRule{"general.size_label", {"size_label", "model_size_label"}, "model_size_label"},
    TextRule{"general.license", {"license"}, "license"},
    TextRule{"general.license.name", {"license_name"}, "license_name"},
    TextRule{"general.license.link", {"license_link"}, "license_link"},
    TextRule{"general.source.url", {"url", "model_url"}, "model_url"},
    TextRule{"general.source.doi", {"doi", "model_doi"}, "model_doi"},
    TextRule{"general.source.uuid", {"uuid", "model_uuid"}, "model_uuid"},
    TextRule{"general.source.repo_url", {"repo_url", "model_repo_url"}, "model_repo_url"},
};

}  // namespace heirloom::card
