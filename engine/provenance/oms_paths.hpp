// Where a bundle lies, seen from the model that it is of. Internal to engine/provenance.
#pragma once

#include "heirloom/result.hpp"

#include <filesystem>
#include <string>

namespace heirloom::provenance {

// The path of `file` relative to `directory`, or "" when it does not lie below. Neither need exist; links to directories
// are followed.
std::string name_below(const std::filesystem::path& directory, const std::filesystem::path& file);
// The last part of the path's absolute form; misuse when it is no UTF-8.
Result<std::string> base_name(const std::filesystem::path& path);

}  // namespace heirloom::provenance
