// Encoding of iq1: levels -1, 0 and 1, all shifted by an eighth up or down. The least weighted error of a group is
// found by sorting its weights and trying all pairs of borders between the three levels; then points that are not on
// the grid move to the nearest one that is. The order of operations is ggml's. Scalar; what rows share with it is here.
// Internal linkage throughout, for the reason given in element.hpp.
#pragma once

#include "engine/kernels/blocks_points.hpp"
#include "engine/kernels/blocks_rows.hpp"

namespace heirloom::kernels {
namespace {

constexpr float shifted_levels[2][3] = {{-0.875f, 0.125f, 1.125f}, {-1.125f, -0.125f, 0.875f}};  // up, down
constexpr float least_float = -0x1.fffffep127f;
constexpr std::size_t iq1_s_group = 32;
constexpr std::size_t iq1_m_group = 16;

// A group's codes, the shifts of its parts and its scale, not negative.
struct Iq1Group {
  float scale;
  unsigned shifts;
  std::uint16_t indices[4];
};

// Scale codes 0..7 for a group with this scale: odd multiples of a fifteenth of the largest.
inline std::uint32_t iq1_scale_code(float inverse, float scale) {
  return static_cast<std::uint32_t>(clamped(nearest(0.5f * (inverse * scale - 1.0f)), 0, 7));
}

struct Iq1Block {
  float weights[super_elements];
  Iq1Group groups[super_elements / iq1_m_group];
};

inline float largest_scale(const Iq1Block& block, std::size_t groups) {
  float largest = 0.0f;
  for (std::size_t g = 0; g < groups; ++g) largest = largest > block.groups[g].scale ? largest : block.groups[g].scale;
  return largest;
}

inline void put_iq1_s(const Iq1Block& block, std::uint8_t* dst) {
  for (std::size_t i = 0; i < 50; ++i) dst[i] = 0;
  const float largest = largest_scale(block, super_elements / iq1_s_group);
  const float step = largest / 15.0f;
  const float inverse = 1.0f / step;
  if (largest != 0.0f)
    store_f16(dst, step * 1.125f);
  for (std::size_t g = 0; g < super_elements / iq1_s_group; ++g) {
    const Iq1Group& group = block.groups[g];
    unsigned high = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      dst[2 + 4 * g + k] = static_cast<std::uint8_t>(group.indices[k]);
      high |= static_cast<unsigned>(group.indices[k] >> 8) << 3 * k;
    }
    if (largest != 0.0f)
      high |= (iq1_scale_code(inverse, group.scale) | group.shifts << 3) << 12;
    store_u16(dst + 34 + 2 * g, static_cast<std::uint16_t>(high));
  }
}

// The scale of an iq1_m block, once all codes are known, from the least squares of the whole block.
inline float refit_iq1_m(const PointTable& table, const float* x, const Iq1Block& block, const std::uint32_t* codes,
                         float step) {
  float xq = 0.0f, qq = 0.0f;
  for (std::size_t i = 0; i < super_elements; ++i) {
    const std::size_t g = i / iq1_m_group;
    const Iq1Group& group = block.groups[g];
    const unsigned half = i % iq1_m_group / 8;
    const unsigned level = table.grid[group.indices[half]] >> i % 8 * 2 & 3u;
    const float q = shifted_levels[group.shifts >> half & 1][level] * static_cast<float>(2 * codes[g] + 1);
    xq += block.weights[i] * q * x[i];
    qq += block.weights[i] * q * q;
  }
  return qq > 0.0f ? xq / qq : step;
}

inline void put_iq1_m(const PointTable& table, const float* x, const Iq1Block& block, std::uint8_t* dst) {
  constexpr std::size_t groups = super_elements / iq1_m_group;
  for (std::size_t i = 0; i < 56; ++i) dst[i] = 0;
  const float largest = largest_scale(block, groups);
  const bool is_zero = largest == 0.0f;
  for (std::size_t g = 0; g < groups; ++g) {
    const Iq1Group& group = block.groups[g];
    dst[2 * g] = static_cast<std::uint8_t>(group.indices[0]);
    dst[2 * g + 1] = static_cast<std::uint8_t>(group.indices[1]);
    const unsigned shifts = is_zero ? 0 : (group.shifts & 1) << 3 | (group.shifts >> 1) << 7;
    dst[32 + g] =
        static_cast<std::uint8_t>(unsigned{group.indices[0]} >> 8 | unsigned{group.indices[1]} >> 8 << 4 | shifts);
  }
  if (is_zero)
    return;
  const float step = largest / 15.0f;
  const float inverse = 1.0f / step;
  std::uint32_t codes[groups];
  unsigned words[4] = {};
  for (std::size_t g = 0; g < groups; ++g) {
    codes[g] = iq1_scale_code(inverse, block.groups[g].scale);
    words[g / 4] |= codes[g] << 3 * (g % 4);
  }
  std::uint8_t half[2];
  store_f16(half, refit_iq1_m(table, x, block, codes, step) * 1.1125f);
  const unsigned scale = load_u16(half);
  for (std::size_t k = 0; k < 4; ++k)
    store_u16(dst + 48 + 2 * k, static_cast<std::uint16_t>(words[k] | (scale >> 4 * k & 15) << 12));
}

}  // namespace
}  // namespace heirloom::kernels
