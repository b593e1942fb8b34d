// What a checkpoint says of its licence, and what has to travel with it.
#pragma once

#include "engine/api.hpp"
#include "engine/record/licence.hpp"
#include "engine/report/licence.hpp"

#include <filesystem>
#include <string>

namespace heirloom {

Result<record::LicenceReport> licences_of(const Session& session, const std::filesystem::path& path, const std::string& from);

}  // namespace heirloom
