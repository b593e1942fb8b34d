// What `heirloom licence` prints. Pure functions.
#pragma once

#include "engine/record/licence.hpp"

#include <string>

namespace heirloom::report {

std::string licence_text(const record::LicenceReport& report);
std::string licence_json(const record::LicenceReport& report);

}  // namespace heirloom::report
