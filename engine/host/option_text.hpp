// Options of readers and writers as a user types them, NAME=VALUE, with the types that the manifest declares. Pure
// functions.
#pragma once

#include "heirloom/nouns.hpp"
#include "heirloom/result.hpp"

#include <span>
#include <string>

namespace heirloom::host {

// What the engine says to every writer itself: no user's option.
inline constexpr std::string_view target_name_option = "target_name";

enum class Unknown { refuse, ignore };

// Misuse for a text that is no NAME=VALUE, a name that comes twice or (Unknown::refuse) that `known` does not have, a
// value that is not of the option's type.
Result<Options> parse_options(const Format& format, std::span<const OptionSpec> known, std::span<const std::string> texts,
                              Unknown unknown);

// Whether an option is declared, by its NAME=VALUE.
bool declares(std::span<const OptionSpec> known, std::string_view text);

// "u64", "true or false": what a value of this type is.
std::string value_help(AttrType type);

}  // namespace heirloom::host
