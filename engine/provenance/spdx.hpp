// SPDX licence expressions (SPDX 2.3, annex D): identifiers of the list, LicenseRef-..., "+", WITH, AND, OR, parentheses.
// Operators are in capitals and identifiers as the list writes them. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace heirloom::provenance {

inline constexpr std::size_t max_expression_bytes = 4096;

// The identifiers of a valid expression, in order; empty when it is not valid.
std::vector<std::string> spdx_identifiers(std::string_view expression);

}  // namespace heirloom::provenance
