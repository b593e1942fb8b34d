// Text as the reference converter's language treats it: words, letter case and lines over the whole of Unicode,
// whatever the locale. Input that is not UTF-8 passes through byte by byte. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace heirloom::card {

// Python's str.split(): the words between white space.
std::vector<std::string_view> words_of(std::string_view text);
// Python's str.splitlines() after universal newlines; line ends are not part of the lines.
std::vector<std::string_view> lines_of(std::string_view text);
// Python's str.islower(): at least one cased character, and all of them lower case.
bool is_lowercase(std::string_view text);
// Python's str.title() of a text whose cased characters are all lower case.
std::string title_case(std::string_view lowercase);
// The same text with U+FFFD in place of each byte that is not part of UTF-8.
std::string repaired_utf8(std::string_view text);

}  // namespace heirloom::card
