// Decoding of encodings whose codes are points of a grid. Layouts: blocks_iq_grid.cpp; grids: blocks_grids.hpp.
// Functions decode one block, for decode_blocks of decode_flat.hpp.
#pragma once

#include "engine/kernels/blocks_grids.hpp"
#include "engine/kernels/simd/decode_flat.hpp"

namespace heirloom::kernels::simd {

constexpr std::size_t block_points = 32;  // of eight weights
constexpr std::size_t grid_groups = block_points / 4;
constexpr float iq2_levels[4] = {8.0f, 25.0f, 43.0f, 0.0f};
constexpr float iq3_xxs_levels[8] = {4.0f, 12.0f, 20.0f, 28.0f, 36.0f, 44.0f, 52.0f, 62.0f};
constexpr float iq3_s_levels[8] = {1.0f, 3.0f, 5.0f, 7.0f, 9.0f, 11.0f, 13.0f, 15.0f};
constexpr float iq1_levels[4] = {-1.0f, 0.0f, 1.0f, 2.0f};
constexpr float iq1_shifts[2] = {0.125f, -0.125f};  // a table and not a branch: either is as likely

// The eighth sign makes the number of negative ones even.
static inline std::uint32_t all_signs(std::uint32_t seven) {
  return seven | static_cast<std::uint32_t>(__builtin_parity(seven)) << 7;
}

// A finite number takes the sign of its lane's bit.
template <class V>
static inline typename V::F with_signs(typename V::F value, std::uint32_t signs) {
  const auto highest = V::shift_left(V::all(static_cast<std::int32_t>(signs)), V::all(31) - V::numbered());
  return V::as_float(V::as_int(value) ^ (highest & V::all(INT32_MIN)));
}

// Two points with one scale. V has sixteen lanes.
template <class V>
struct Grid2Decoders {
  using F = typename V::F;
  using I = typename V::I;
  static_assert(V::lanes == 16);

  static bool iq2_xxs(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src)))
      return false;
    float scales[16];  // of which eight count
    std::uint8_t codes[16] = {};
    for (std::size_t g = 0; g < grid_groups; ++g) codes[g] = src[2 + 8 * g + 7] >> 4;
    V::store(scales, quarters(src, V::load_u8(codes)));
    for (std::size_t g = 0; g < grid_groups; ++g) {
      const std::uint8_t* group = src + 2 + 8 * g;
      const std::uint32_t signs = load_u32(group + 4);
      put(iq2_xxs_grid[group[0]], iq2_xxs_grid[group[1]], all_signs(signs & 127) | all_signs(signs >> 7 & 127) << 8,
          scales[g], x + 32 * g);
      put(iq2_xxs_grid[group[2]], iq2_xxs_grid[group[3]],
          all_signs(signs >> 14 & 127) | all_signs(signs >> 21 & 127) << 8, scales[g], x + 32 * g + 16);
    }
    return true;
  }

  static bool iq2_xs(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src)))
      return false;
    float scales[16];
    V::store(scales, quarters(src, nibbles(src + 66)));
    for (std::size_t p = 0; p < block_points; p += 2) {
      const std::uint32_t first = load_u16(src + 2 + 2 * p), second = load_u16(src + 4 + 2 * p);
      put(iq2_xs_grid[first & 511], iq2_xs_grid[second & 511], all_signs(first >> 9) | all_signs(second >> 9) << 8,
          scales[p / 2], x + 8 * p);
    }
    return true;
  }

  static bool iq2_s(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src)))
      return false;
    float scales[16];
    V::store(scales, quarters(src, nibbles(src + 74)));
    for (std::size_t g = 0; g < grid_groups; ++g) {
      const std::uint8_t* low = src + 2 + 4 * g;
      const std::uint32_t high = src[66 + g];
      put(iq2_s_grid[low[0] | (high << 8 & 0x300)], iq2_s_grid[low[1] | (high << 6 & 0x300)],
          load_u16(src + 34 + 4 * g), scales[2 * g], x + 32 * g);
      put(iq2_s_grid[low[2] | (high << 4 & 0x300)], iq2_s_grid[low[3] | (high << 2 & 0x300)],
          load_u16(src + 36 + 4 * g), scales[2 * g + 1], x + 32 * g + 16);
    }
    return true;
  }

  static bool iq1_s(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src)))
      return false;
    const float scale = f16_to_f32(load_u16(src));
    const auto table = V::table4(iq1_levels);
    for (std::size_t g = 0; g < grid_groups; ++g) {
      const std::uint8_t* low = src + 2 + 4 * g;
      const std::uint32_t rest = load_u16(src + 34 + 2 * g);
      const F group_scale = V::all(scale * static_cast<float>(static_cast<int>(rest >> 11 & 14) + 1));
      const F shift = V::all(iq1_shifts[rest >> 15]);
      const I first = two_points(iq1_grid[low[0] | (rest << 8 & 0x700)], iq1_grid[low[1] | (rest << 5 & 0x700)]);
      const I second = two_points(iq1_grid[low[2] | (rest << 2 & 0x700)], iq1_grid[low[3] | (rest >> 1 & 0x700)]);
      V::store(x + 32 * g, group_scale * (V::lookup4(table, first) + shift));
      V::store(x + 32 * g + 16, group_scale * (V::lookup4(table, second) + shift));
    }
    return true;
  }

 private:
  // Lane by lane the level in the low two bits.
  static I two_points(std::uint32_t first, std::uint32_t second) {
    return V::shift_right(V::all(static_cast<std::int32_t>(first | second << 16)), V::numbered() + V::numbered());
  }

  static void put(std::uint32_t first, std::uint32_t second, std::uint32_t signs, float scale, float* x) {
    const F value = V::all(scale) * V::lookup4(V::table4(iq2_levels), two_points(first, second));
    V::store(x, with_signs<V>(value, signs));
  }

  // Sixteen scales of four bits, the lower half of a byte first.
  static I nibbles(const std::uint8_t* src) {
    std::uint8_t codes[16];
    for (std::size_t i = 0; i < 8; ++i) {
      codes[2 * i] = src[i] & 15;
      codes[2 * i + 1] = src[i] >> 4;
    }
    return V::load_u8(codes);
  }

  static F quarters(const std::uint8_t* src, I codes) {
    return V::all_f16(load_u16(src)) * (V::all(0.5f) + V::to_float(codes)) * V::all(0.25f);
  }
};

// One point of eight, or two of four. V has eight lanes.
template <class V>
struct GridDecoders {
  using F = typename V::F;
  using I = typename V::I;
  static_assert(V::lanes == 8);

  static bool iq3_xxs(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src)))
      return false;
    const float scale = f16_to_f32(load_u16(src));
    const auto levels = V::table8(iq3_xxs_levels);
    for (std::size_t g = 0; g < grid_groups; ++g) {
      const std::uint8_t* codes = src + 2 + 8 * g;
      const std::uint32_t rest = load_u32(src + 66 + 4 * g);
      const float number = static_cast<float>(static_cast<int>(rest >> 28));
      const F group_scale = V::all(scale * (0.5f + number) * 0.5f);
      float* const out = x + 32 * g;
      const auto point = [&](std::size_t i) { return static_cast<std::uint32_t>(iq3_xxs_grid[codes[i]]); };
      put_fours(point(0), point(1), levels, all_signs(rest & 127), group_scale, out);
      put_fours(point(2), point(3), levels, all_signs(rest >> 7 & 127), group_scale, out + 8);
      put_fours(point(4), point(5), levels, all_signs(rest >> 14 & 127), group_scale, out + 16);
      put_fours(point(6), point(7), levels, all_signs(rest >> 21 & 127), group_scale, out + 24);
    }
    return true;
  }

  static bool iq3_s(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src)))
      return false;
    const float scale = f16_to_f32(load_u16(src));
    const auto levels = V::table8(iq3_s_levels);
    for (std::size_t g = 0; g < grid_groups; ++g) {
      const std::uint8_t* codes = src + 2 + 8 * g;
      const std::uint32_t high = src[66 + g];
      const std::uint8_t* signs = src + 74 + 4 * g;
      const F group_scale = V::all(scale * static_cast<float>(1 + 2 * (src[106 + g / 2] >> (g % 2 * 4) & 15)));
      float* const out = x + 32 * g;
      const auto point = [&](std::size_t i) {
        return static_cast<std::uint32_t>(iq3_s_grid[codes[i] | (high << (8 - i) & 256)]);
      };
      put_fours(point(0), point(1), levels, signs[0], group_scale, out);
      put_fours(point(2), point(3), levels, signs[1], group_scale, out + 8);
      put_fours(point(4), point(5), levels, signs[2], group_scale, out + 16);
      put_fours(point(6), point(7), levels, signs[3], group_scale, out + 24);
    }
    return true;
  }

  static bool iq1_m(const std::uint8_t* src, float* x) {
    std::uint32_t half = 0;
    for (std::size_t k = 0; k < 4; ++k) half |= static_cast<std::uint32_t>(src[49 + 2 * k] >> 4) << 4 * k;
    if (!is_finite_f16(static_cast<std::uint16_t>(half)))
      return false;
    const float scale = f16_to_f32(static_cast<std::uint16_t>(half));
    for (std::size_t g = 0; g < 2 * grid_groups; ++g) {  // two points
      const std::uint32_t rest = src[32 + g];
      const int code = load_u16(src + 48 + g / 4 * 2) >> (g % 4 * 3) & 7;
      const F group_scale = V::all(scale * static_cast<float>(2 * code + 1));
      put_shifted(iq1_grid[src[2 * g] | (rest << 8 & 0x700)], rest >> 3 & 1, group_scale, x + 16 * g);
      put_shifted(iq1_grid[src[2 * g + 1] | (rest << 4 & 0x700)], rest >> 7, group_scale, x + 16 * g + 8);
    }
    return true;
  }

 private:
  static void put_shifted(std::uint16_t point, std::uint32_t is_down, F scale, float* x) {
    const I levels = V::shift_right(V::all(point), V::numbered() + V::numbered());
    V::store(x, scale * (V::lookup4(V::table4(iq1_levels), levels) + V::all(iq1_shifts[is_down])));
  }

  static void put_fours(std::uint32_t first, std::uint32_t second, typename V::Table levels, std::uint32_t signs,
                        F scale, float* x) {
    const I point = V::all(static_cast<std::int32_t>(first | second << 12));
    const I index = V::shift_right(point, V::numbered() + V::numbered() + V::numbered());
    V::store(x, with_signs<V>(scale * V::lookup8(levels, index), signs));
  }
};

}  // namespace heirloom::kernels::simd
