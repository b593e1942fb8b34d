// What `heirloom verify` prints. Pure functions; JSON has stable member names.
#pragma once

#include "engine/record/adopt.hpp"
#include "engine/record/foreign.hpp"
#include "engine/record/verify.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace heirloom::report {

struct Verified {
  std::string path;                                  // as the user gave it
  std::string name;                                  // its last part
  std::vector<std::string> sources = {};
  record::Verification record = {};
  std::optional<record::Foreign> foreign = {};       // where no record says how it was made, but a source is at hand
  std::optional<record::Level> required = {};        // --require
  std::optional<std::uint64_t> sample_seed = {};

  // Nothing is other than it should be: no mismatch, what is required is reached, what was asked for is shown, and what was
  // held against a source is exactly what a known way makes of it. A record ends in these weights; where a level is required,
  // that says whether there must be one.
  bool is_good() const;
};

struct Adopted {
  record::Adoption adoption;
  std::string path;
  std::vector<std::string> written;                  // files
};
std::string adopt_text(const Adopted& adopted);
std::string adopt_json(const Adopted& adopted);

std::string verify_text(const Verified& verified);
std::string verify_json(const Verified& verified);
// A tensor by tensor comparison with a source: text, and the member "foreign".
std::string foreign_text(const record::Foreign& foreign);
std::string foreign_json(const record::Foreign& foreign);

// An in-toto statement of the kind that SLSA calls a verification summary. `time` is UTC, ISO 8601; `policy` the trust file's
// bytes, "" for none.
std::string verification_summary(const Verified& verified, const std::string& time, const std::string& policy);

}  // namespace heirloom::report
