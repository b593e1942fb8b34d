#include "engine/report/licence.hpp"

#include "engine/base/text.hpp"
#include "engine/report/table.hpp"
#include "engine/report/values.hpp"

#include <fmt/format.h>

namespace heirloom::report {
namespace {

std::string titles_of(const std::vector<const provenance::Licence*>& licences) {
  std::string text;
  for (const provenance::Licence* licence : licences)
    text += (text.empty() ? "" : ", ") + licence->title;
  return text;
}

std::string duty_text(const record::LicenceDuty& duty) {
  std::string text(provenance::travels_words(duty.what));
  if (!duty.detail.empty())
    text += ": " + base::printable(duty.detail);
  if (!duty.found.empty())
    text += " (here: " + base::printable(duty.found) + ")";
  return text;
}

Json claim_json(const record::LicenceClaim& claim) {
  return {{"place", base::printable(claim.place)}, {"said", base::printable(claim.said)}, {"spdx", claim.spdx.empty() ? Json() : Json(claim.spdx)}};
}

Json text_json(const record::LicenceText& text) {
  Json json{{"name", base::printable(text.name)}, {"place", base::printable(text.place)}, {"kind", record::kind_name(text.kind)},
            {"size", text.size}, {"sha256", base::to_hex(text.sha256)}};
  json["licences"] = Json::array();
  for (const provenance::Licence* licence : text.licences)
    json["licences"].push_back(licence->spdx);
  return json;
}

}  // namespace

std::string licence_text(const record::LicenceReport& report) {
  const auto licences = provenance::licences_in(report.expression);
  std::string out = report.expression.empty() ? "no licence is named\n"
                                              : report.expression + (licences.empty() ? "" : " (" + titles_of(licences) + ")") + "\n";
  if (!report.claims.empty()) {
    Table table({"place", "says", "which is"});
    for (const record::LicenceClaim& claim : report.claims)
      table.add({claim.place, claim.said.empty() ? "(a text)" : claim.said, claim.spdx.empty() ? "a text that is not known" : claim.spdx});
    out += table.text();
  }
  for (const record::LicenceText& text : report.texts)
    out += fmt::format("{}: {}, sha256 {}{}\n", base::printable(text.name), base::human_bytes(text.size), base::to_hex(text.sha256),
                       text.licences.empty() ? "" : ", " + titles_of(text.licences));
  if (!report.duties.empty())
    out += report.is_choice() ? "has to travel with the weights, of the licence that is chosen:\n" : "has to travel with the weights:\n";
  for (const record::LicenceDuty& duty : report.duties)
    out += "  " + (licences.size() > 1 ? duty.licence->title + ": " : "") + duty_text(duty) + "\n";
  for (const record::LicenceFinding& finding : report.findings)
    out += fmt::format("{}: {}\n", record::kind_name(finding.kind), base::printable(finding.text));
  return out;
}

std::string licence_json(const record::LicenceReport& report) {
  Json json;
  json["spdx"] = report.expression.empty() ? Json() : Json(report.expression);
  json["is_clear"] = report.is_clear();
  for (const char* list : {"claims", "texts", "travels", "findings"})
    json[list] = Json::array();
  for (const record::LicenceClaim& claim : report.claims)
    json["claims"].push_back(claim_json(claim));
  for (const record::LicenceText& text : report.texts)
    json["texts"].push_back(text_json(text));
  for (const record::LicenceDuty& duty : report.duties)
    json["travels"].push_back({{"licence", duty.licence->spdx}, {"what", provenance::travels_name(duty.what)}, {"detail", duty.detail},
                               {"found", base::printable(duty.found)}});
  for (const record::LicenceFinding& finding : report.findings)
    json["findings"].push_back({{"kind", record::kind_name(finding.kind)}, {"text", base::printable(finding.text)}});
  return dump(json);
}

}  // namespace heirloom::report
