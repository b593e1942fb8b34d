// Attributes as text and JSON. Internal to engine/report.
#pragma once

#include "heirloom/nouns.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace heirloom::report {

using Json = nlohmann::ordered_json;

// Whole value. Bytes that are not UTF-8 become U+FFFD in the output; floats that are not finite become text
// (float_json).
Json json_of(const Attr& attr);
// One line of at most `width` columns; a longer array shows its first elements and its count.
std::string text_of(const Attr& attr, std::size_t width);
std::string type_text(const Attr& attr);
// A number, or "nan", "inf", "-inf".
Json float_json(double value);
// "1 file", "2 files".
std::string counted(std::size_t count, std::string_view what);
// Indented, with a final line end; characters that move a cursor or turn the direction of text are escaped.
std::string dump(const Json& json);

}  // namespace heirloom::report
