// Names of members, and what a file is that is not a zip archive.
#pragma once

#include "heirloom/result.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace heirloom::zip {

// An error unless the name is UTF-8 and relative, without "." and ".." parts and without backslashes. A folder's ends in
// "/". `position` is the byte that the error points to.
Result<void> check_name(std::string_view name, std::uint64_t position);

// What the first bytes say that a file is, e.g. "a 7z archive"; "" when nothing is known.
std::string_view kind_of(std::span<const std::uint8_t> start);

}  // namespace heirloom::zip
