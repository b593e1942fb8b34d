// Encoding of iq2 and iq3, apart from the search itself: what differs between the five encodings as data, where each of
// them puts its codes (the layouts are drawn in blocks_iq_grid.cpp), and the order of work within a block, which is
// ggml's. A row of kernels may bring its own Search. Internal linkage
// throughout, for the reason given in element.hpp.
#pragma once

#include "engine/kernels/blocks_points.hpp"
#include "engine/kernels/blocks_rows.hpp"

namespace heirloom::kernels {
namespace {

constexpr std::size_t max_group_points = 8;
constexpr float odd_values[8] = {1.0f, 3.0f, 5.0f, 7.0f, 9.0f, 11.0f, 13.0f, 15.0f};

// After the trials the levels are chosen once more with the scale found: for all points, for those that were not on the
// grid, or for all if one was not.
enum class Again { all, off_grid, all_if_off_grid };
// How much a weight counts without an importance; `none` where ggml refuses.
enum class Plain { none, squares, raised_squares };

template <unsigned bits>
constexpr std::size_t point_weights = bits == 2 ? 8 : 4;
template <unsigned bits>
constexpr int point_levels = bits == 2 ? 3 : 8;

struct GridFormat {
  unsigned bits;          // of a level
  std::size_t group;      // weights with one scale
  std::size_t bytes;      // of a block
  bool has_even_signs;    // seven signs are stored, the eighth makes their number even
  bool has_first_fit;     // trials surround the scale of fit_positive, not that of the largest weight
  float variance_factor;  // 1 or 2
  Plain plain;
  float smallest;  // a group whose weights are all below counts as zero
  int reach;       // trials -reach..reach
  float step;
  Again again;
  float scale_factor;  // applied to the block's scale as it is stored
  bool clears_zero;    // a block whose scale is zero has no codes

  constexpr std::size_t point() const { return bits == 2 ? point_weights<2> : point_weights<3>; }
  constexpr std::size_t points() const { return group / point(); }  // of a group
  constexpr std::size_t groups() const { return super_elements / group; }
  constexpr int levels() const { return bits == 2 ? point_levels<2> : point_levels<3>; }
  constexpr float top() const { return static_cast<float>(2 * levels() - 1); }
};

inline void or_u16(std::uint8_t* dst, unsigned value) {
  store_u16(dst, static_cast<std::uint16_t>(load_u16(dst) | value));
}
inline void or_u32(std::uint8_t* dst, std::uint32_t value) {
  or_u16(dst, value & 0xffff);
  or_u16(dst + 2, value >> 16);
}
inline void or_u8(std::uint8_t* dst, unsigned value) { *dst = static_cast<std::uint8_t>(*dst | value); }

// put: the indices and signs of group g, the place-th that is not zero, into a block that is zero there. put_scale: the
// group's scale, 0..15. As ggml has it, iq3_s closes up over groups of zeros, and such a block reads back wrong.
struct Iq2Xxs {
  static constexpr GridFormat format{2, 32, 66, true, true, 1.0f, Plain::none, 1e-15f, 6, 0.1f, Again::all, 1.0f, true};
  static const PointTable& points() { return iq2_xxs_points(); }
  static void put(std::uint8_t* dst, std::size_t g, std::size_t, const std::uint16_t* indices,
                  const std::uint8_t* signs) {
    for (std::size_t k = 0; k < 4; ++k) {
      dst[2 + 8 * g + k] = static_cast<std::uint8_t>(indices[k]);
      or_u32(dst + 6 + 8 * g, (signs[k] & 127u) << 7 * k);
    }
  }
  static void put_scale(std::uint8_t* dst, std::size_t g, unsigned code) { or_u32(dst + 6 + 8 * g, code << 28); }
};

struct Iq2Xs {
  static constexpr GridFormat format{2,    16,  74, true, false, 1.0f, Plain::none, 1e-15f, 9, 0.1f, Again::off_grid,
                                     1.0f, true};
  static const PointTable& points() { return iq2_xs_points(); }
  static void put(std::uint8_t* dst, std::size_t g, std::size_t, const std::uint16_t* indices,
                  const std::uint8_t* signs) {
    for (std::size_t k = 0; k < 2; ++k) or_u16(dst + 2 + 4 * g + 2 * k, indices[k] | (signs[k] & 127u) << 9);
  }
  static void put_scale(std::uint8_t* dst, std::size_t g, unsigned code) { or_u8(dst + 66 + g / 2, code << g % 2 * 4); }
};

struct Iq2S {
  static constexpr GridFormat format{2,     16, 82,   false,           false,   2.0f, Plain::raised_squares,
                                     1e-8f, 9,  0.1f, Again::off_grid, 0.9875f, false};
  static const PointTable& points() { return iq2_s_points(); }
  static void put(std::uint8_t* dst, std::size_t g, std::size_t, const std::uint16_t* indices,
                  const std::uint8_t* signs) {
    for (std::size_t k = 0; k < 2; ++k) {
      const std::size_t p = 2 * g + k;
      dst[2 + p] = static_cast<std::uint8_t>(indices[k]);
      or_u8(dst + 66 + p / 4, static_cast<unsigned>(indices[k] >> 8) << p % 4 * 2);
      dst[34 + p] = signs[k];
    }
  }
  static void put_scale(std::uint8_t* dst, std::size_t g, unsigned code) { or_u8(dst + 74 + g / 2, code << g % 2 * 4); }
};

struct Iq3Xxs {
  static constexpr GridFormat format{
      3, 32, 98, true, false, 2.0f, Plain::squares, 1e-8f, 15, 0.2f, Again::off_grid, 1.0125f, true};
  static const PointTable& points() { return iq3_xxs_points(); }
  static void put(std::uint8_t* dst, std::size_t g, std::size_t, const std::uint16_t* indices,
                  const std::uint8_t* signs) {
    for (std::size_t k = 0; k < 8; ++k) dst[2 + 8 * g + k] = static_cast<std::uint8_t>(indices[k]);
    for (std::size_t k = 0; k < 4; ++k) or_u32(dst + 66 + 4 * g, (signs[k] & 127u) << 7 * k);
  }
  static void put_scale(std::uint8_t* dst, std::size_t g, unsigned code) { or_u32(dst + 66 + 4 * g, code << 28); }
};

struct Iq3S {
  static constexpr GridFormat format{
      3, 32, 110, false, false, 2.0f, Plain::squares, 0x1p-149f, 9, 0.2f, Again::all_if_off_grid, 1.033f, false};
  static const PointTable& points() { return iq3_s_points(); }
  static void put(std::uint8_t* dst, std::size_t g, std::size_t place, const std::uint16_t* indices,
                  const std::uint8_t* signs) {
    for (std::size_t k = 0; k < 8; ++k) {
      dst[2 + 8 * place + k] = static_cast<std::uint8_t>(indices[k]);
      or_u8(dst + 66 + g, static_cast<unsigned>(indices[k] >> 8) << k);
    }
    for (std::size_t k = 0; k < 4; ++k) dst[74 + 4 * place + k] = signs[k];
  }
  static void put_scale(std::uint8_t* dst, std::size_t g, unsigned code) {
    or_u8(dst + 106 + g / 2, code << g % 2 * 4);
  }
};

// A block as the search sees it. Magnitudes are not negative but for those whose sign was turned to make the number of
// signs even.
struct GridBlock {
  float magnitudes[super_elements];
  float weights[super_elements];
  float roots[super_elements];  // square roots of the weights
  std::uint8_t signs[super_elements / 8];
  float largest[super_elements / 16];  // of the magnitudes of each group
  float first[super_elements / 32];    // scale of each group by fit_positive, where the encoding has a first fit
};

struct GridFit {
  float scale;
  std::uint16_t codes[max_group_points];
};

// Of a block whose weights' squares have this sum.
inline float variance_of(float sum, float factor) { return factor * sum / static_cast<float>(super_elements); }

template <unsigned bits>
std::uint32_t code_of(const float* x, float inverse) {
  std::uint32_t code = 0;
  for (unsigned i = 0; i < point_weights<bits>; ++i) {
    const std::int32_t level = clamped(nearest(0.5f * (inverse * x[i] - 1.0f)), 0, point_levels<bits> - 1);
    code |= static_cast<std::uint32_t>(level) << bits * i;
  }
  return code;
}

struct GridSums {
  float xq = 0.0f, qq = 0.0f;
};

template <unsigned bits>
GridSums sums_of(const float* x, const float* weights, const std::uint16_t* codes, std::size_t n) {
  constexpr std::size_t point = point_weights<bits>;
  GridSums sums;
  for (std::size_t i = 0; i < n; ++i) {
    const float q = odd_values[codes[i / point] >> bits * (i % point) & ((1u << bits) - 1)];
    sums.xq += weights[i] * x[i] * q;
    sums.qq += weights[i] * q * q;
  }
  return sums;
}

// The levels nearest to inverse * x, or the point of the grid that stands for them. True where they are on the grid.
template <class Search, unsigned bits>
bool choose_point(const PointTable& table, const float* x, const float* roots, float inverse, float scale,
                  std::uint16_t& chosen) {
  const std::uint32_t code = code_of<bits>(x, inverse);
  const PointEntry entry = table.entries[key_of<bits>(code)];
  const bool is_on_grid = entry.eights == 0;
  chosen = static_cast<std::uint16_t>(is_on_grid ? code
                                                 : Search::template nearest_point<bits>(table, entry, x, roots, scale));
  return is_on_grid;
}

// A Search prepares a block, tries the scales of a group and finds the nearest point; PortableSearch in blocks_iq23.cpp
// defines what they give.
//
// Group g. The scale may be negative.
template <class Encoding, class Search>
bool fit_group(const GridBlock& block, std::size_t g, const PointTable& table, GridFit& fit) {
  constexpr GridFormat format = Encoding::format;
  if (block.largest[g] < format.smallest)
    return false;
  fit = {format.has_first_fit ? block.first[g] : block.largest[g] / format.top(), {}};
  const float extreme = format.has_first_fit ? fit.scale * static_cast<float>(format.levels()) : block.largest[g];
  if (format.has_first_fit && extreme <= 0.0f)
    return false;
  const unsigned off_grid = Search::template try_scales<Encoding>(block, g, table, extreme, fit);
  unsigned again = off_grid;
  if (format.again == Again::all || (format.again == Again::all_if_off_grid && off_grid != 0))
    again = ~0u;
  if (again == 0 || !(fit.scale > 0.0f))
    return true;
  const float* x = block.magnitudes + format.group * g;
  const float inverse = 1.0f / fit.scale;
  for (unsigned k = 0; k < format.points(); ++k) {
    const std::size_t at = format.point() * k;
    if ((again >> k & 1) != 0)
      choose_point<Search, format.bits>(table, x + at, block.roots + format.group * g + at, inverse, fit.scale,
                                        fit.codes[k]);
  }
  const GridSums sums = sums_of<format.bits>(x, block.weights + format.group * g, fit.codes, format.group);
  if (sums.qq > 0.0f)
    fit.scale = sums.xq / sums.qq;
  return true;
}

// Whole scales are fifteen and a half times two steps: the largest is 31 steps.
template <class Encoding>
void put_scales(const float* scales, float largest, std::uint8_t* dst) {
  const float step = largest / 31.0f;
  store_f16(dst, step * Encoding::format.scale_factor);
  const float inverse = 1.0f / step;
  for (std::size_t g = 0; g < Encoding::format.groups(); ++g) {
    const std::int32_t code = clamped(nearest(0.5f * (inverse * scales[g] - 1.0f)), 0, 15);
    Encoding::put_scale(dst, g, static_cast<unsigned>(code));
  }
}

// A block whose scales are zero: what the groups put is kept or not, as in ggml.
template <class Encoding, class Search>
void encode_grid_block(const PointTable& table, const GridBlock& block, std::uint8_t* dst) {
  constexpr GridFormat format = Encoding::format;
  for (std::size_t i = 0; i < format.bytes; ++i) dst[i] = 0;
  float scales[format.groups()];
  float largest = 0.0f;
  std::size_t place = 0;
  for (std::size_t g = 0; g < format.groups(); ++g) {
    scales[g] = 0.0f;
    GridFit fit;
    if (!fit_group<Encoding, Search>(block, g, table, fit))
      continue;
    const bool is_turned = fit.scale < 0.0f;
    std::uint8_t signs[4];
    for (std::size_t k = 0; k < format.group / 8; ++k)
      signs[k] = static_cast<std::uint8_t>(block.signs[format.group / 8 * g + k] ^ (is_turned ? 255u : 0u));
    std::uint16_t indices[max_group_points];
    for (std::size_t k = 0; k < format.points(); ++k)
      indices[k] = table.entries[key_of<format.bits>(fit.codes[k])].first;
    Encoding::put(dst, g, place++, indices, signs);
    scales[g] = is_turned ? -fit.scale : fit.scale;
    largest = largest > scales[g] ? largest : scales[g];
  }
  if (largest != 0.0f)
    put_scales<Encoding>(scales, largest, dst);
  else if (format.clears_zero)
    for (std::size_t i = 0; i < format.bytes; ++i) dst[i] = 0;
}

// One row. `portable` encodes the blocks that are not for this search.
template <class Encoding, class Search, auto portable>
void encode_grid(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  constexpr std::size_t at_once = Search::blocks_at_once;
  const PointTable& table = Encoding::points();
  const std::size_t blocks = n / super_elements;
  float sums[at_once];
  for (std::size_t b = 0; b < blocks; ++b) {
    const float* x = src + super_elements * b;
    const float* weights = importance == nullptr ? nullptr : importance + super_elements * b;
    if (b % at_once == 0)
      Search::sum_squares(x, blocks - b < at_once ? blocks - b : at_once, sums);
    GridBlock block;
    if (Search::template prepare<Encoding>(x, weights, sums[b % at_once], block))
      encode_grid_block<Encoding, Search>(table, block, dst + Encoding::format.bytes * b);
    else
      portable(x, weights, dst + Encoding::format.bytes * b, super_elements);
  }
}

}  // namespace
}  // namespace heirloom::kernels
