// JSON that a terminal can be shown. Pure function, defined in text.cpp beside printable().
#pragma once

#include <string>
#include <string_view>

namespace heirloom::base {

// JSON text with the characters that printable() does not let through as \u escapes: the same JSON. They stand in texts alone.
std::string safe_json(std::string_view json);

}  // namespace heirloom::base
