// The alphabet of byte-level BPE: each byte has one visible character (formats/facts/tokenizers.md#byte-level).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace heirloom::tokenizer {

// The next character of UTF-8 text, taken off its front; nullopt when the text is not UTF-8 there. Not for empty text.
std::optional<char32_t> take_character(std::string_view& text);

bool is_utf8(std::string_view text);

// The token that stands for these bytes.
std::string encode_byte_level(std::string_view bytes);

// What the byte-level decoder makes of a token: its bytes when every character stands for one, else the text as it is.
// Bytes that are not UTF-8 leave the text as it is too.
std::string decode_byte_level(const std::string& text);

}  // namespace heirloom::tokenizer
