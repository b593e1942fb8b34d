#include "engine/record/licence.hpp"

#include "engine/base/text.hpp"
#include "engine/card/card.hpp"
#include "engine/card/yaml.hpp"
#include "engine/plan/inventory.hpp"
#include "engine/plan/package.hpp"
#include "engine/plan/texts.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace heirloom::record {
namespace {

using provenance::LegalFile;
using provenance::Licence;
using provenance::Travels;
using Kind = LicenceFinding::Kind;

constexpr std::array licence_keys = {"general.license", "license", "licence", "modelspec.license", "model_license"};
constexpr std::string_view general_prefix = "general.license";

std::string value_of(const card::CardParts& parts, std::string_view key) {
  for (const auto& [name, text] : parts.keys)
    if (name == key)
      return text;
  return "";
}

// A list is one text with commas, as GGUF has it.
std::string joined(const std::string& said) {
  if (!said.starts_with("["))
    return said;
  const auto json = model::parse_json(said);
  if (!json || json->array() == nullptr)
    return said;
  std::string text;
  for (const model::Json& item : *json->array())
    if (item.text() != nullptr)
      text += (text.empty() ? "" : ",") + *item.text();
  return text;
}

std::string text_at(const std::vector<Attr>& attrs, std::string_view key) {
  const Attr* attr = find_attr(attrs, key);
  return attr == nullptr ? "" : std::string(attr->get_text().value_or(""));
}

class Gathering {
 public:
  explicit Gathering(const model::Source& source) : source_(source) {}

  Result<LicenceReport> gather() && {
    HEIRLOOM_TRY(const plan::Package package, plan::read_package(source_, false));
    HEIRLOOM_CHECK(take_card(package));
    take_attrs();
    for (const std::string& name : package.side_files)
      HEIRLOOM_CHECK(take_text({name, "file:" + name, name}));
    for (const plan::PackageText& text : package.companions)
      HEIRLOOM_CHECK(take_text(text));
    decide();
    list_duties();
    return std::move(report_);
  }

 private:
  Result<void> take_card(const plan::Package& package) {
    const plan::PackageText* carried = plan::find_text(package, plan::card_name);
    const auto& files = package.side_files;
    const bool is_file = std::find(files.begin(), files.end(), plan::card_name) != files.end();
    if (!is_file && carried == nullptr)
      return {};
    const plan::PackageText text = is_file ? plan::PackageText{std::string(plan::card_name), "", std::string(plan::card_name)} : *carried;
    HEIRLOOM_TRY(const auto bytes, plan::read_text(source_, text));
    const std::string readme(bytes.begin(), bytes.end());
    if (const auto front_matter = card::parse_yaml(card::front_matter_of(readme)); !front_matter)
      report_.findings.push_back({Kind::broken, "the front matter of " + text.name + " cannot be read, and counts as saying nothing: " +
                                                    front_matter.error().message});
    const card::CardParts parts = card::parts_of(readme);
    const std::string said = joined(value_of(parts, "license"));
    const std::string name = value_of(parts, "license_name");
    model_name_ = value_of(parts, "model_name");
    if (said.empty() && name.empty())
      return {};
    const std::string place = is_file ? plan::item_below(plan::card_name, "license") : text.item + "#license";
    report_.claims.push_back({place, name.empty() ? said : said + " (" + name + ")", provenance::spdx_of(said.empty() ? "other" : said, name)});
    return {};
  }

  void take_attrs() {
    const auto& attrs = source_.checkpoint.attrs;
    if (const std::string name = text_at(attrs, "general.name"); !name.empty())
      model_name_ = name;
    for (const std::string_view key : licence_keys) {
      const std::string said = text_at(attrs, key);
      if (said.empty())
        continue;
      const std::string name = key == general_prefix ? text_at(attrs, "general.license.name") : "";
      report_.claims.push_back({plan::item_of(source_, *find_attr(attrs, key)), name.empty() ? said : said + " (" + name + ")",
                                provenance::spdx_of(said, name)});
    }
  }

  Result<void> take_text(const plan::PackageText& text) {
    const LegalFile kind = provenance::legal_file(text.name);
    if (kind == LegalFile::none)
      return {};
    HEIRLOOM_TRY(const auto bytes, plan::read_text(source_, text));
    LicenceText made{text.name, text.item, kind, bytes.size(), base::sha256(bytes)};
    if (kind == LegalFile::licence) {
      made.licences = provenance::recognised(bytes);
      std::string spdx;
      for (const Licence* licence : made.licences)
        spdx += (spdx.empty() ? "" : " AND ") + licence->spdx;
      report_.claims.push_back({text.item, "", spdx});
    }
    report_.texts.push_back(std::move(made));
    return {};
  }

  // The most precise claim counts; two that cannot be meant for the same thing are a conflict.
  void decide() {
    const auto& claims = report_.claims;
    for (std::size_t i = 0; i < claims.size(); ++i) {
      const std::string& spdx = claims[i].spdx;
      if (spdx.empty())
        continue;
      if (report_.expression.empty() || (is_vague(report_.expression) && !is_vague(spdx)))
        report_.expression = spdx;
      for (std::size_t k = 0; k < i; ++k)
        if (!agree(claims[k], claims[i]))
          report_.findings.push_back({Kind::conflict, claims[k].place + " says " + claims[k].spdx + ", " + claims[i].place + " says " + spdx});
    }
    if (report_.expression.empty())
      report_.findings.push_back({Kind::none, claims.empty() ? "nothing says what the licence is"
                                                             : claims.front().place + " is a text that is not known, and nothing names its licence"});
  }

  static bool is_vague(const std::string& spdx) {
    const auto licences = provenance::licences_in(spdx);
    return !licences.empty() && licences.front()->is_family && licences.front()->spdx == spdx;
  }

  // A file that holds several texts agrees with each of them, and with all.
  static bool agree(const LicenceClaim& a, const LicenceClaim& b) {
    if (a.spdx.empty() || b.spdx.empty() || provenance::may_agree(a.spdx, b.spdx))
      return true;
    const auto in_a = provenance::licences_in(a.spdx), in_b = provenance::licences_in(b.spdx);
    const auto holds = [](const auto& all, const auto& some) {
      return !some.empty() && std::all_of(some.begin(), some.end(), [&](const Licence* one) { return std::find(all.begin(), all.end(), one) != all.end(); });
    };
    const bool is_text = a.said.empty() || b.said.empty();
    return is_text && (holds(in_a, in_b) || holds(in_b, in_a));
  }

  // A licence file that is known to be of another licence is not the text of this one.
  const LicenceText* text_of(LegalFile kind, const Licence& licence) const {
    const LicenceText* unknown = nullptr;
    for (const LicenceText& text : report_.texts) {
      const auto& known = text.licences;
      if (text.kind != kind)
        continue;
      if (kind != LegalFile::licence || std::any_of(known.begin(), known.end(), [&](const Licence* one) { return provenance::may_agree(one->spdx, licence.spdx); }))
        return &text;
      if (known.empty() && unknown == nullptr)
        unknown = &text;
    }
    return unknown;
  }

  // Of licences to choose from, the text of one is enough.
  void check_choice() {
    std::string titles;
    for (const LicenceDuty& duty : report_.duties) {
      if (duty.what != Travels::text)
        continue;
      if (!duty.found.empty())
        return;
      titles += (titles.empty() ? "" : " or of ") + duty.licence->title;
    }
    if (!titles.empty())
      report_.findings.push_back({Kind::missing, "the text of " + titles + " has to travel with the weights, and none is here"});
  }

  void list_duties() {
    list_duties_of_each();
    if (report_.is_choice())
      check_choice();
  }

  void list_duties_of_each() {
    for (const Licence* licence : provenance::licences_in(report_.expression)) {
      for (const Travels what : licence->travels)
        add_duty(*licence, what);
      if (!licence->name_begins.empty() && !model_name_.empty() && !base_begins(model_name_, licence->name_begins))
        report_.findings.push_back({Kind::name, licence->title + " wants the name of a model made from it to begin with " +
                                                    base::quoted(licence->name_begins) + "; this one is called " + base::quoted(model_name_)});
    }
  }

  static bool base_begins(std::string_view name, std::string_view with) {
    return name.size() >= with.size() && std::equal(with.begin(), with.end(), name.begin(), [](unsigned char a, unsigned char b) {
      return std::tolower(a) == std::tolower(b);
    });
  }

  void add_duty(const Licence& licence, Travels what) {
    LicenceDuty duty{&licence, what};
    if (what == Travels::text)
      duty.detail = licence.link;
    else if (what == Travels::notice)
      duty.detail = licence.notice;
    else if (what == Travels::attribution)
      duty.detail = licence.attribution;
    else if (what == Travels::policy)
      duty.detail = licence.policy;
    const LegalFile kind = what == Travels::text     ? LegalFile::licence
                           : what == Travels::notice ? LegalFile::notice
                           : what == Travels::policy ? LegalFile::policy
                                                     : LegalFile::none;
    if (const LicenceText* text = kind == LegalFile::none ? nullptr : text_of(kind, licence))
      duty.found = text->name;
    if (what == Travels::text && duty.found.empty() && !report_.is_choice())
      report_.findings.push_back({Kind::missing, "the text of " + licence.title + " has to travel with the weights, and is not here"});
    if (what == Travels::notice && !licence.notice.empty() && duty.found.empty() && !report_.is_choice())
      report_.findings.push_back({Kind::missing, licence.title + " wants a notice file: " + base::quoted(licence.notice)});
    report_.duties.push_back(std::move(duty));
  }

  const model::Source& source_;
  LicenceReport report_;
  std::string model_name_;
};

}  // namespace

bool LicenceReport::is_choice() const {
  return expression.find(" OR ") != std::string::npos && expression.find(" AND ") == std::string::npos;
}

bool LicenceReport::is_clear() const {
  return std::none_of(findings.begin(), findings.end(), [](const LicenceFinding& finding) { return finding.is_failure(); });
}

Result<LicenceReport> licences_of(const model::Source& source) { return Gathering(source).gather(); }

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::none: return "none";
    case Kind::conflict: return "conflict";
    case Kind::missing: return "missing";
    case Kind::broken: return "broken";
    default: return "name";
  }
}

std::string_view kind_name(LegalFile kind) {
  switch (kind) {
    case LegalFile::licence: return "licence";
    case LegalFile::notice: return "notice";
    case LegalFile::policy: return "policy";
    default: return "none";
  }
}

}  // namespace heirloom::record
