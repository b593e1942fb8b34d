// What a checkpoint says of its licence: the model card, the container's metadata and the texts beside it, each by itself; what
// has to travel with the weights; and where they contradict each other. No legal judgement. Reads no tensors.
#pragma once

#include "engine/base/digest.hpp"
#include "engine/model/model.hpp"
#include "engine/provenance/legal_files.hpp"
#include "engine/provenance/licences.hpp"

#include <optional>
#include <string>
#include <vector>

namespace heirloom::record {

struct LicenceClaim {
  std::string place;                  // an item of the ledger: "README.md:license", "key:general.license", "file:LICENSE"
  std::string said;                   // as written; of a text ""
  std::string spdx;                   // an expression; "" of a text that is not known
};

struct LicenceText {
  std::string name;                   // that it has in a directory
  std::string place;
  provenance::LegalFile kind = provenance::LegalFile::none;
  std::uint64_t size = 0;
  base::Digest sha256 = {};
  std::vector<const provenance::Licence*> licences = {};  // that it is the text of
};

struct LicenceDuty {
  const provenance::Licence* licence = nullptr;
  provenance::Travels what = provenance::Travels::text;
  std::string detail = {};            // the line, the address
  std::string found = {};             // the text that has it, or ""
};

struct LicenceFinding {
  enum class Kind { none, conflict, missing, name, broken };
  Kind kind = Kind::none;
  std::string text;
  bool is_failure() const { return kind == Kind::none || kind == Kind::conflict; }
};

struct LicenceReport {
  std::string expression;             // "" when nothing says a licence
  std::vector<LicenceClaim> claims;
  std::vector<LicenceText> texts;
  std::vector<LicenceDuty> duties;
  std::vector<LicenceFinding> findings;

  bool is_choice() const;             // one of several licences is to be chosen
  bool is_clear() const;              // no finding is a failure
};

Result<LicenceReport> licences_of(const model::Source& source);
std::string_view kind_name(LicenceFinding::Kind kind);
std::string_view kind_name(provenance::LegalFile kind);

}  // namespace heirloom::record
