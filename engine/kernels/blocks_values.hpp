// The sixteen values that four bits choose from, and the scales of four-bit floating point, as facts of the formats
// (formats/facts/gguf.md#types). Internal linkage throughout: shared with the rows of isa_*.cpp.
#pragma once

#include "engine/kernels/element.hpp"

namespace heirloom::kernels {

constexpr float iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

// e2m1, doubled.
constexpr float fp4_values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// Scales for doubled values: half of 2^(code - 127), and half of an e4m3 number whose sign does not count.
static inline float half_of_e8m0(std::uint8_t code) {
  return float_of(code < 2 ? 0x0020'0000u << code : static_cast<std::uint32_t>(code - 1) << 23);
}

static inline float half_of_e4m3(std::uint8_t code) {
  if (code == 0x7f)
    return 0.0f;
  const int exponent = code >> 3 & 15;
  const int fraction = code & 7;
  const auto place = static_cast<std::uint32_t>((exponent == 0 ? 1 : exponent) + 127 - 7 - 3 - 1);
  return static_cast<float>(exponent == 0 ? fraction : fraction + 8) * float_of(place << 23);
}

}  // namespace heirloom::kernels
