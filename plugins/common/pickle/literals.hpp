// How protocol 0 writes values as text, and how long integers lie in bytes (formats/facts/pickle.md#values).
#pragma once

#include "heirloom/result.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::pickle {

bool is_utf8(std::string_view bytes);

// An integer of any size.
struct Integer {
  std::optional<std::int64_t> small;   // when it fits
  std::vector<std::uint8_t> bytes;     // else two's complement, little endian, as short as can be
};

// From two's complement, little endian; no bytes are 0.
Integer integer_of(std::span<const std::uint8_t> bytes);

// "-12", or with `may_end_in_l` also "12L". Nothing on other text; at most `max_digits` digits, Python's own limit.
inline constexpr std::size_t max_digits = 4300;
std::optional<Integer> parse_integer(std::string_view text, bool may_end_in_l);

// Python's repr of a float, as "1.5", "-inf", "nan".
std::optional<double> parse_real(std::string_view text);

// 'text' or "text" with Python's escapes for bytes.
std::optional<std::string> parse_quoted(std::string_view text);

// Python's raw-unicode-escape (latin 1 with \uXXXX and \UXXXXXXXX) as UTF-8.
std::optional<std::string> parse_raw_unicode(std::string_view text);

}  // namespace heirloom::pickle
