// Base64 of RFC 4648 with padding, as tiktoken files and tokenizer.json's character maps have it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::tokenizer {

std::string encode_base64(std::span<const std::uint8_t> bytes);
// nullopt for text that encode_base64 does not make.
std::optional<std::vector<std::uint8_t>> decode_base64(std::string_view text);

}  // namespace heirloom::tokenizer
