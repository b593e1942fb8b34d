#include "engine/provenance/licences.hpp"

#include "engine/base/text.hpp"
#include "engine/model/json.hpp"
#include "engine/provenance/spdx.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace heirloom::provenance {
namespace {

using model::Json;

#include "licences_data.h"

struct TravelsRow {
  Travels what;
  std::string_view name, words;
};
constexpr std::array travels_rows = {
    TravelsRow{Travels::text, "text", "the licence's text"},
    TravelsRow{Travels::copyright, "copyright", "its copyright line"},
    TravelsRow{Travels::notice, "notice", "notices"},
    TravelsRow{Travels::attribution, "attribution", "who made it"},
    TravelsRow{Travels::changes, "changes", "that it was changed"},
    TravelsRow{Travels::policy, "policy", "the policy of use"},
    TravelsRow{Travels::terms, "terms", "its restrictions on use, for those who receive it too"},
    TravelsRow{Travels::source, "source", "the form in which it is changed"},
};

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::string text_in(const Json& json, std::string_view key) {
  const Json* value = json.find(key);
  return value != nullptr && value->text() != nullptr ? *value->text() : "";
}

std::vector<std::string> texts_in(const Json& json, std::string_view key) {
  std::vector<std::string> texts;
  const Json* value = json.find(key);
  if (value != nullptr && value->array() != nullptr)
    for (const Json& item : *value->array())
      texts.push_back(item.text() == nullptr ? "" : *item.text());
  return texts;
}

// The build has checked the table against its schema; what it means is checked here.
Result<Licence> read_licence(const Json& json) {
  Licence licence;
  licence.id = text_in(json, "id");
  licence.names = texts_in(json, "names");
  licence.spdx = text_in(json, "spdx");
  licence.title = text_in(json, "title");
  const Json* family = json.find("family");
  licence.is_family = family != nullptr && family->boolean() != nullptr && *family->boolean();
  for (const std::string& name : texts_in(json, "travels")) {
    const auto row = std::find_if(travels_rows.begin(), travels_rows.end(), [&](const TravelsRow& known) { return known.name == name; });
    if (row == travels_rows.end())
      return fail(Code::internal, "licence " + base::quoted(licence.spdx) + ": nothing called " + base::quoted(name) + " travels");
    licence.travels.push_back(row->what);
  }
  licence.attribution = text_in(json, "attribution");
  licence.notice = text_in(json, "notice");
  licence.name_begins = text_in(json, "name_begins");
  licence.policy = text_in(json, "policy");
  licence.link = text_in(json, "link");
  licence.sha256 = texts_in(json, "sha256");
  if (const Json* phrases = json.find("phrases"); phrases != nullptr && phrases->array() != nullptr)
    for (const Json& row : *phrases->array())
      licence.phrases.push_back({texts_in(row, "all"), texts_in(row, "none")});
  if (!is_spdx_expression(licence.spdx))
    return fail(Code::internal, "licence " + base::quoted(licence.title) + ": " + base::quoted(licence.spdx) + " is no SPDX expression");
  return licence;
}

Result<std::vector<Licence>> read_table() {
  HEIRLOOM_TRY(const Json json, model::parse_json(std::span<const std::uint8_t>(built_in_licences_json)));
  const Json* rows = json.find("licences");
  if (rows == nullptr || rows->array() == nullptr)
    return fail(Code::internal, "the table of licences has no list");
  std::vector<Licence> licences;
  for (const Json& row : *rows->array()) {
    HEIRLOOM_TRY(Licence licence, read_licence(row));
    licences.push_back(std::move(licence));
  }
  return licences;
}

std::span<const Licence> table() {
  const auto& licences = built_in_licences();
  return licences ? std::span<const Licence>(*licences) : std::span<const Licence>();
}

struct PlainForm {
  std::string_view from;
  char to;
};
constexpr PlainForm plain_forms[] = {{"\u201c", '"'}, {"\u201d", '"'}, {"\u2018", '\''}, {"\u2019", '\''},
                                     {"\u2013", '-'}, {"\u2014", '-'}, {"\u00a0", ' '},  {"\ufeff", ' '}};

// Lower case, one kind of quotes and dashes, one space between words, no marks of Markdown.
std::string plain_text(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    for (const auto& [from, to] : plain_forms)
      if (text.substr(i).starts_with(from)) {
        c = to;
        i += from.size() - 1;
        break;
      }
    const bool is_space = std::isspace(static_cast<unsigned char>(c)) != 0 || c == '*' || c == '#' || c == '>' || c == '`' || c == '=';
    if (!is_space)
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else if (!plain.empty() && plain.back() != ' ')
      plain += ' ';
  }
  return plain;
}

bool has_phrases(const std::string& plain, const Phrases& phrases) {
  const auto is_in = [&](const std::string& phrase) { return plain.find(phrase) != plain.npos; };
  return std::all_of(phrases.all.begin(), phrases.all.end(), is_in) && std::none_of(phrases.none.begin(), phrases.none.end(), is_in);
}

std::string reference_of(std::string_view said) {
  std::string made = "LicenseRef-";
  for (const char c : said.substr(0, 64))
    made += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' ? c : '-';
  return made.size() > 11 ? made : "LicenseRef-unknown";
}

std::string spdx_of_one(std::string_view said, std::string_view name) {
  const Licence* found = find_licence(said);
  if (found != nullptr && found->is_family && !name.empty()) {
    const Licence* named = find_licence(name);
    return named != nullptr ? named->spdx : is_spdx_expression(name) ? std::string(name) : reference_of(name);
  }
  if (found != nullptr)
    return found->spdx;
  return is_spdx_expression(said) ? std::string(said) : reference_of(said);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0)
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0)
    text.remove_suffix(1);
  return text;
}

bool is_in_family(const Licence& family, std::string_view spdx) {
  if (family.id == "other" || family.id == "unknown")
    return true;
  const std::string member = lower_case(spdx), word = lower_case(family.id);
  return word == "openrail" ? member.find("rail") != member.npos : member.starts_with(word) || member.starts_with("licenseref-hf-" + word);
}

std::string without_choice(std::string_view spdx) {
  for (const std::string_view ending : {"-only", "-or-later", "+"})
    if (spdx.ends_with(ending))
      return std::string(spdx.substr(0, spdx.size() - ending.size()));
  return std::string(spdx);
}

}  // namespace

std::string_view travels_name(Travels what) { return travels_rows[static_cast<std::size_t>(what)].name; }
std::string_view travels_words(Travels what) { return travels_rows[static_cast<std::size_t>(what)].words; }

const Result<std::vector<Licence>>& built_in_licences() {
  static const Result<std::vector<Licence>> licences = read_table();
  return licences;
}

const Licence* find_licence(std::string_view said) {
  const std::string wanted = lower_case(trimmed(said));
  for (const Licence& licence : table())
    if ((!licence.id.empty() && licence.id == wanted) || lower_case(licence.spdx) == wanted || lower_case(licence.title) == wanted ||
        std::find(licence.names.begin(), licence.names.end(), wanted) != licence.names.end())
      return &licence;
  return nullptr;
}

std::string spdx_of(std::string_view said, std::string_view name) {
  if (said.find(',') == said.npos)
    return spdx_of_one(trimmed(said), trimmed(name));
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= said.size();) {
    const std::size_t end = std::min(said.find(',', at), said.size());
    std::string part = spdx_of_one(trimmed(said.substr(at, end - at)), trimmed(name));
    if (part.find(' ') != part.npos)
      part = "(" + part + ")";
    if (std::find(parts.begin(), parts.end(), part) == parts.end())
      parts.push_back(std::move(part));
    at = end + 1;
  }
  std::string joined;
  for (const std::string& part : parts)
    joined += (joined.empty() ? "" : " AND ") + part;
  return is_spdx_expression(joined) ? joined : reference_of(said);
}

std::vector<const Licence*> licences_in(std::string_view expression) {
  std::vector<const Licence*> found;
  for (const std::string& id : spdx_identifiers(expression))
    for (const Licence& licence : table())
      if (without_choice(licence.spdx) == without_choice(id) && std::find(found.begin(), found.end(), &licence) == found.end())
        found.push_back(&licence);
  return found;
}

std::vector<const Licence*> recognised(std::span<const std::uint8_t> text) {
  constexpr std::size_t max_text_bytes = 4u << 20;
  std::vector<const Licence*> found;
  const std::string digest = base::to_hex(base::sha256(text));
  for (const Licence& licence : table())
    if (std::find(licence.sha256.begin(), licence.sha256.end(), digest) != licence.sha256.end())
      return {&licence};
  const std::string plain = plain_text({reinterpret_cast<const char*>(text.data()), std::min(text.size(), max_text_bytes)});
  for (const Licence& licence : table())
    if (std::any_of(licence.phrases.begin(), licence.phrases.end(), [&](const Phrases& phrases) { return has_phrases(plain, phrases); }))
      found.push_back(&licence);
  return found;
}

bool may_agree(std::string_view a, std::string_view b) {
  if (without_choice(a) == without_choice(b))
    return true;
  for (const auto& [one, other] : {std::pair(a, b), std::pair(b, a)})
    for (const Licence* licence : licences_in(one))
      if (licence->is_family && licence->spdx == one && is_in_family(*licence, other))
        return true;
  return false;
}

}  // namespace heirloom::provenance
