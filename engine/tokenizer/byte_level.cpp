#include "engine/tokenizer/byte_level.hpp"

#include <simdjson.h>

#include <array>
#include <cstdint>

namespace heirloom::tokenizer {

namespace {

constexpr std::size_t alphabet_size = 0x144;  // the last character is U+0143
constexpr std::int16_t no_byte = -1;

constexpr bool is_visible(int byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

// Visible bytes stand for themselves, the others take U+0100 and on in order.
constexpr std::array<std::int16_t, alphabet_size> make_bytes() {
  std::array<std::int16_t, alphabet_size> bytes{};
  bytes.fill(no_byte);
  std::size_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte)
    bytes[is_visible(byte) ? static_cast<std::size_t>(byte) : next++] = static_cast<std::int16_t>(byte);
  return bytes;
}

constexpr auto byte_of_character = make_bytes();

constexpr std::array<char16_t, 256> make_characters() {
  std::array<char16_t, 256> characters{};
  for (std::size_t character = 0; character < alphabet_size; ++character)
    if (byte_of_character[character] != no_byte)
      characters[static_cast<std::size_t>(byte_of_character[character])] = static_cast<char16_t>(character);
  return characters;
}

constexpr auto character_of_byte = make_characters();

}  // namespace

bool is_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

std::optional<char32_t> take_character(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length == 0 || length > text.size() || !is_utf8(text.substr(0, length)))
    return std::nullopt;
  char32_t character = length == 1 ? lead : lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i)
    character = (character << 6) | (static_cast<unsigned char>(text[i]) & 0x3fu);
  text.remove_prefix(length);
  return character;
}

std::string encode_byte_level(std::string_view bytes) {
  std::string token;
  for (const char c : bytes) {
    const char16_t character = character_of_byte[static_cast<unsigned char>(c)];
    if (character < 0x80) {
      token += static_cast<char>(character);
    } else {
      token += static_cast<char>(0xc0 | (character >> 6));
      token += static_cast<char>(0x80 | (character & 0x3f));
    }
  }
  return token;
}

std::string decode_byte_level(const std::string& text) {
  std::string bytes;
  for (std::string_view rest = text; !rest.empty();) {
    const auto character = take_character(rest);
    if (!character || *character >= alphabet_size || byte_of_character[*character] == no_byte)
      return text;
    bytes.push_back(static_cast<char>(byte_of_character[*character]));
  }
  return is_utf8(bytes) ? bytes : text;
}

}  // namespace heirloom::tokenizer
