// Small texts for messages and options. Pure functions.
#pragma once

#include "heirloom/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace heirloom::base {

// Control bytes, marks that turn the direction of text, and bytes that are not UTF-8 become \xNN, so that no name can
// play with a terminal.
std::string printable(std::string_view text);
// Printable and in double quotes; a quote or backslash inside gets a backslash. Call it as base::quoted: for a
// std::string the bare name may find std::quoted.
std::string quoted(std::string_view text);
// Whether all of it is well-formed UTF-8.
bool is_utf8(std::string_view text);
// "4 GiB", "1.5 MiB", "812 B".
std::string human_bytes(std::uint64_t bytes);
// "256MiB", "5GB" (decimal), "1G" (binary, as in common tools), "1048576". Misuse otherwise, or when 0.
Result<std::uint64_t> parse_size(std::string_view text);
// One line: "malformed: FILE: tensor "x": byte 12: message". Parts that are not known are left out.
std::string describe(const Error& error);

}  // namespace heirloom::base
