// Canonical JSON (RFC 8785): keys sorted by UTF-16 code units, no spaces, the shortest escapes. Numbers must be integers of
// at most 2^53: what is not one is text in our records. Pure function.
#pragma once

#include "engine/model/json.hpp"

#include <string>

namespace heirloom::provenance {

// Internal when the value holds a number that is no such integer; misuse when it holds text that is not UTF-8.
Result<std::string> canonical(const model::Json& value);

}  // namespace heirloom::provenance
