// Texts as the bytes that they are, to be digested and written.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace heirloom::base {

// Borrowed from the text.
inline std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::vector<std::uint8_t> copied_bytes(std::string_view text) { return {text.begin(), text.end()}; }

}  // namespace heirloom::base
