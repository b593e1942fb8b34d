// Where in a JSON text something is, for error messages only: simdjson says what is wrong, but not where.
// Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace heirloom::model {

// The byte at which `text` stops being JSON; no_position where it is JSON, or nested deeper than max_json_depth.
std::uint64_t locate_json_error(std::string_view text);

// The opening quote of the key number `ordinal` in the order of the document, counted from 0; no_position without it.
std::uint64_t locate_json_key(std::string_view text, std::size_t ordinal);

}  // namespace heirloom::model
