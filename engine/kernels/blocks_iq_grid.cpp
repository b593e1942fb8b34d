// Decoding of the encodings whose codes are points of a grid: 256 weights, in 32 points of eight (iq1, iq2) or 64 of
// four (iq3). Eight signs are a byte, or seven bits of it whose number of ones makes the last bit.
//   iq2_xxs, 66 bytes | 0..1 scale f16 | 2..65 for each 32: four grid bytes, four times seven signs, group scale u4 |
//   iq2_xs, 74 bytes  | 0..1 scale f16 | 2..65 for each 8: nine grid bits, seven signs | 66..73 scales u4 of each 16 |
//   iq2_s, 82 bytes   | 0..1 scale f16 | 2..33 low grid bits | 34..65 signs | 66..73 high grid bits |
//                     74..81 scales u4 of each 16 |
//   iq3_xxs, 98 bytes | 0..1 scale f16 | 2..65 grid | 66..97 for each 32: four times seven signs, group scale u4 |
//   iq3_s, 110 bytes  | 0..1 scale f16 | 2..65 low grid bits | 66..73 high grid bits | 74..105 signs |
//                     106..109 scales u4 of each 32 |
//   iq1_s, 50 bytes   | 0..1 scale f16 | 2..33 low grid bits | 34..49 for each 32: four times three high grid bits,
//                     group scale u3, sign of the shift |
//   iq1_m, 56 bytes   | 0..31 low grid bits | 32..47 for each 8: three high grid bits, sign of the shift |
//                     48..55 for each 64: four group scales u3, four bits of the scale f16 |
#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_grids.hpp"
#include "engine/kernels/blocks_rows.hpp"

namespace heirloom::kernels {
namespace {

constexpr std::size_t points = 32;  // of eight weights
constexpr float iq2_levels[4] = {8.0f, 25.0f, 43.0f, 0.0f};
constexpr float iq3_xxs_levels[8] = {4.0f, 12.0f, 20.0f, 28.0f, 36.0f, 44.0f, 52.0f, 62.0f};
constexpr float iq3_s_levels[8] = {1.0f, 3.0f, 5.0f, 7.0f, 9.0f, 11.0f, 13.0f, 15.0f};

std::uint32_t load_u32(const std::uint8_t* p) {
  return load_u16(p) | static_cast<std::uint32_t>(load_u16(p + 2)) << 16;
}

unsigned all_signs(unsigned seven) { return seven | static_cast<unsigned>(__builtin_parity(seven)) << 7; }

float signed_value(float value, unsigned signs, std::size_t j) { return (signs >> j & 1) != 0 ? value * -1.0f : value; }

void put_eight(unsigned point, unsigned signs, float scale, float* x) {
  for (std::size_t j = 0; j < 8; ++j) x[j] = signed_value(scale * iq2_levels[point >> 2 * j & 3], signs, j);
}

void put_two_fours(unsigned first, unsigned second, const float* levels, unsigned signs, float scale, float* x) {
  for (std::size_t j = 0; j < 4; ++j) {
    x[j] = signed_value(scale * levels[first >> 3 * j & 7], signs, j);
    x[j + 4] = signed_value(scale * levels[second >> 3 * j & 7], signs, j + 4);
  }
}

float quarter_scale(float scale, unsigned code) { return scale * (0.5f + static_cast<float>(code)) * 0.25f; }

void decode_iq2_xxs_block(const std::uint8_t* src, float* x) {
  const float scale = load_f16(src);
  for (std::size_t p = 0; p < points; ++p) {
    const std::uint8_t* group = src + 2 + p / 4 * 8;
    const std::uint32_t rest = load_u32(group + 4);
    put_eight(iq2_xxs_grid[group[p % 4]], all_signs(rest >> (7 * (p % 4)) & 127), quarter_scale(scale, rest >> 28),
              x + 8 * p);
  }
}

void decode_iq2_xs_block(const std::uint8_t* src, float* x) {
  const float scale = load_f16(src);
  for (std::size_t p = 0; p < points; ++p) {
    const unsigned code = load_u16(src + 2 + 2 * p);
    const unsigned group_scale = src[66 + p / 4] >> (p / 2 % 2 * 4) & 15u;
    put_eight(iq2_xs_grid[code & 511], all_signs(code >> 9), quarter_scale(scale, group_scale), x + 8 * p);
  }
}

void decode_iq2_s_block(const std::uint8_t* src, float* x) {
  const float scale = load_f16(src);
  for (std::size_t p = 0; p < points; ++p) {
    const unsigned high = src[66 + p / 4] >> (p % 4 * 2) & 3u;
    const unsigned group_scale = src[74 + p / 4] >> (p / 2 % 2 * 4) & 15u;
    put_eight(iq2_s_grid[src[2 + p] | high << 8], src[34 + p], quarter_scale(scale, group_scale), x + 8 * p);
  }
}

void decode_iq3_xxs_block(const std::uint8_t* src, float* x) {
  const float scale = load_f16(src);
  for (std::size_t p = 0; p < points; ++p) {
    const std::uint32_t rest = load_u32(src + 66 + p / 4 * 4);
    const float group_scale = scale * (0.5f + static_cast<float>(rest >> 28)) * 0.5f;
    put_two_fours(iq3_xxs_grid[src[2 + 2 * p]], iq3_xxs_grid[src[3 + 2 * p]], iq3_xxs_levels,
                  all_signs(rest >> (7 * (p % 4)) & 127), group_scale, x + 8 * p);
  }
}

void decode_iq3_s_block(const std::uint8_t* src, float* x) {
  const float scale = load_f16(src);
  for (std::size_t p = 0; p < points; ++p) {
    const unsigned high = src[66 + p / 4] >> (p % 4 * 2);
    const int code = src[106 + p / 8] >> (p / 4 % 2 * 4) & 15;
    const float group_scale = scale * static_cast<float>(1 + 2 * code);
    put_two_fours(iq3_s_grid[src[2 + 2 * p] | (high & 1) << 8], iq3_s_grid[src[3 + 2 * p] | (high >> 1 & 1) << 8],
                  iq3_s_levels, src[74 + p], group_scale, x + 8 * p);
  }
}

// The levels -1, 0 and 1, all shifted by an eighth up or down.
void put_shifted(unsigned point, bool is_down, float scale, float* x) {
  const float shift = is_down ? -0.125f : 0.125f;
  for (std::size_t j = 0; j < 8; ++j)
    x[j] = scale * (static_cast<float>(static_cast<int>(point >> 2 * j & 3) - 1) + shift);
}

void decode_iq1_s_block(const std::uint8_t* src, float* x) {
  const float scale = load_f16(src);
  for (std::size_t p = 0; p < points; ++p) {
    const unsigned rest = load_u16(src + 34 + p / 4 * 2);
    const unsigned high = rest >> (3 * (p % 4)) & 7;
    const float group_scale = scale * static_cast<float>(2 * (rest >> 12 & 7) + 1);
    put_shifted(iq1_grid[src[2 + p] | high << 8], (rest & 0x8000) != 0, group_scale, x + 8 * p);
  }
}

void decode_iq1_m_block(const std::uint8_t* src, float* x) {
  unsigned half = 0;
  for (std::size_t k = 0; k < 4; ++k) half |= static_cast<unsigned>(load_u16(src + 48 + 2 * k) >> 12) << 4 * k;
  const float scale = f16_to_f32(static_cast<std::uint16_t>(half));
  for (std::size_t p = 0; p < points; ++p) {
    const unsigned rest = src[32 + p / 2] >> (p % 2 * 4) & 15u;
    const unsigned code = load_u16(src + 48 + p / 8 * 2) >> (p / 2 % 4 * 3) & 7u;
    put_shifted(iq1_grid[src[p] | (rest & 7) << 8], (rest & 8) != 0, scale * static_cast<float>(2 * code + 1),
                x + 8 * p);
  }
}

}  // namespace

void decode_iq2_xxs(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, 66>(src, dst, n, decode_iq2_xxs_block);
}
void decode_iq2_xs(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, 74>(src, dst, n, decode_iq2_xs_block);
}
void decode_iq2_s(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, 82>(src, dst, n, decode_iq2_s_block);
}
void decode_iq3_xxs(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, 98>(src, dst, n, decode_iq3_xxs_block);
}
void decode_iq3_s(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, 110>(src, dst, n, decode_iq3_s_block);
}
void decode_iq1_s(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, 50>(src, dst, n, decode_iq1_s_block);
}
void decode_iq1_m(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, 56>(src, dst, n, decode_iq1_m_block);
}

}  // namespace heirloom::kernels
