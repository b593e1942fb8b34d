#include "engine/provenance/statement.hpp"

#include <array>

namespace heirloom::provenance {
namespace {

constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> values_of_letters() {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < letters.size(); ++i)
    values[static_cast<std::uint8_t>(letters[i])] = static_cast<std::int8_t>(i);
  return values;
}
constexpr auto values = values_of_letters();

}  // namespace

std::string to_base64(std::span<const std::uint8_t> bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < count ? bytes[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      text += k <= count ? letters[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

Result<std::vector<std::uint8_t>> from_base64(std::string_view text) {
  const auto refuse = [](std::size_t at) { return fail(Code::malformed, "is not base64 at character " + std::to_string(at)); };
  if (text.size() % 4 != 0)
    return refuse(text.size());
  std::size_t length = text.size();
  for (int k = 0; k < 2 && length > 0 && text[length - 1] == '='; ++k)
    --length;
  std::vector<std::uint8_t> bytes;
  bytes.reserve(length / 4 * 3 + 2);
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < length; ++i) {
    const std::int8_t value = values[static_cast<std::uint8_t>(text[i])];
    if (value < 0)
      return refuse(i);
    group = group << 6 | static_cast<std::uint32_t>(value);
    if (i % 4 != 0)
      bytes.push_back(static_cast<std::uint8_t>(group >> (6 - i % 4 * 2)));
  }
  // Bits behind the last byte are zero, so that a value has one spelling.
  const std::uint32_t spare = length % 4 == 2 ? 15u : length % 4 == 3 ? 3u : 0u;
  if (length % 4 == 1 || (group & spare) != 0)
    return refuse(length - 1);
  return bytes;
}

}  // namespace heirloom::provenance
