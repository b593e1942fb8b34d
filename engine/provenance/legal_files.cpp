#include "engine/provenance/legal_files.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <vector>

namespace heirloom::provenance {
namespace {

constexpr std::array licence_words = {"license", "licence", "licenses", "licences", "licensing", "copying", "copyright", "unlicense", "terms"};
constexpr std::array notice_words = {"notice", "notices", "authors", "attribution", "attributions"};
// Both words of a row.
constexpr std::array policy_words = {std::array{"use", "policy"}, std::array{"usage", "policy"}, std::array{"acceptable", "use"}};

// A file with such an ending is a document, one with another is a program or data that has the word in its name.
constexpr std::array document_suffixes = {"txt", "md", "rst", "pdf", "html", "htm", "rtf"};

// Front matter, and the last part or parts of metadata keys.
constexpr std::array card_keys = {"license",       "license_name",       "license_link",       "author",          "model_author",
                                  "model_creator", "organization",       "model_organization", "base_model",      "base_models",
                                  "base_model_sources", "base_model_relation", "datasets",     "dataset",         "dataset_sources"};
constexpr std::array metadata_keys = {"general.author", "general.organization", "general.license", "license", "licence", "author", "authors",
                                      "organization", "merged_from", "model_license", "model_author", "heirloom.license_text",
                                      "heirloom.source.card", "heirloom.source.legal_files"};
constexpr std::array metadata_prefixes = {"general.license.", "general.base_model.", "general.dataset.", "general.source."};

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

// Runs of letters.
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words{""};
  for (const char c : lower_case(name)) {
    if (c >= 'a' && c <= 'z')
      words.back() += c;
    else if (!words.back().empty())
      words.emplace_back();
  }
  return words;
}

template <class Words>
bool has(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

template <class Wanted>
bool has_any(const std::vector<std::string>& words, const Wanted& wanted) {
  return std::any_of(wanted.begin(), wanted.end(), [&](const char* word) { return has(words, word); });
}

// LICENSE, LICENSE.md, LICENSE-2.0 and LICENSE.apache, but not license.py: what follows the last dot is an ending when
// the name before it is not all that there is in capitals.
bool is_document(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == name.npos || dot + 1 == name.size())
    return true;
  const std::string suffix = lower_case(name.substr(dot + 1));
  if (has(document_suffixes, suffix))
    return true;
  const std::string_view stem = name.substr(0, dot);
  return std::any_of(suffix.begin(), suffix.end(), [](char c) { return c < 'a' || c > 'z'; }) ||
         std::none_of(stem.begin(), stem.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

}  // namespace

LegalFile legal_file(std::string_view name) {
  if (!is_document(name))
    return LegalFile::none;
  const auto words = words_of(name);
  if (std::any_of(policy_words.begin(), policy_words.end(), [&](const auto& row) { return has(words, row[0]) && has(words, row[1]); }))
    return LegalFile::policy;
  if (has_any(words, notice_words))
    return LegalFile::notice;
  return has_any(words, licence_words) ? LegalFile::licence : LegalFile::none;
}

bool is_attribution(std::string_view item) {
  const std::size_t colon = item.find(':');
  if (colon == item.npos)
    return false;
  const std::string_view where = item.substr(0, colon);
  std::string_view what = item.substr(colon + 1);
  if (where == "file")
    return legal_file(what.ends_with('/') ? what.substr(0, what.size() - 1) : what) != LegalFile::none;
  if (where == "README.md")
    return has(card_keys, what.substr(0, what.find('.')));
  if (where != "key" && where != "metadata")
    return false;
  const bool has_prefix = std::any_of(metadata_prefixes.begin(), metadata_prefixes.end(),
                                      [&](const char* prefix) { return what.starts_with(prefix); });
  if (has_prefix || has(metadata_keys, what))
    return true;
  return what.starts_with("modelspec.") && has(metadata_keys, what.substr(10));
}

}  // namespace heirloom::provenance
