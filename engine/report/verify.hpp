// What `heirloom verify` prints. Pure functions; JSON has stable member names.
#pragma once

#include "engine/record/foreign.hpp"

#include <optional>
#include <string>

namespace heirloom::report {

struct Verified {
  std::string path, source;                  // as the user gave them
  std::optional<record::Foreign> foreign = {};
};

std::string verify_text(const Verified& verified);
std::string verify_json(const Verified& verified);

}  // namespace heirloom::report
