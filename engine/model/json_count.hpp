// How many values a JSON text has, before a tree is made of it: the tree may take 25 times the bytes of the text.
#pragma once

#include <cstdint>
#include <string_view>

namespace heirloom::model {

// Exact for text that is JSON, members of objects as one value each; of other text, a number that means nothing.
std::uint64_t count_json_values(std::string_view text);

}  // namespace heirloom::model
