// iq4_nl and iq4_xs: what the portable row shares with the rows of isa_*.cpp. Layouts: blocks_iq4.cpp. Internal linkage
// throughout.
#pragma once

#include "engine/kernels/blocks_rows.hpp"
#include "engine/kernels/blocks_values.hpp"

namespace heirloom::kernels::iq4 {

constexpr std::size_t group = 32;
constexpr std::size_t groups = super_elements / group;
constexpr std::size_t nl_bytes = 18, xs_bytes = 136;

static inline float inverse_of(float scale) { return scale != 0.0f ? 1.0f / scale : 0.0f; }

// The head of an iq4_xs block from the scales of its groups; gives the inverses of those that are stored.
static inline void store_group_scales(const float* scales, std::uint8_t* dst, float* inverses) {
  const float extreme = extreme_of(scales, groups).value;
  const float scale = -extreme / 32.0f;
  const float inverse = inverse_of(scale);
  unsigned high = 0;
  unsigned low = 0;
  for (std::size_t g = 0; g < groups; ++g) {
    const std::int32_t code = clamped(nearest(inverse * scales[g]), -32, 31);
    inverses[g] = inverse_of(scale * static_cast<float>(code));
    const auto stored = static_cast<unsigned>(code + 32);
    high |= stored >> 4 << 2 * g;
    low |= (stored & 15) << 4 * g;
  }
  store_f16(dst, scale);
  store_u16(dst + 2, static_cast<std::uint16_t>(high));
  store_u16(dst + 4, static_cast<std::uint16_t>(low));
  store_u16(dst + 6, static_cast<std::uint16_t>(low >> 16));
}

}  // namespace heirloom::kernels::iq4
