// A text that a command writes into a file of its own.
#pragma once

#include "heirloom/result.hpp"

#include <filesystem>
#include <string_view>

namespace heirloom {

// A whole file or none; one that is there is replaced with `force`.
Result<void> write_document(const std::filesystem::path& path, std::string_view text, bool force);

}  // namespace heirloom
