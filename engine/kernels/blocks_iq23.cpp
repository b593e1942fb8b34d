// Encoding of iq2 and iq3 in portable code, which defines the bits.
#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_grid_formats.hpp"

namespace heirloom::kernels {
namespace {

float plain_weight(Plain plain, float x, float variance) {
  return plain == Plain::squares ? x * x : 0.25f * variance + x * x;
}

void weigh_plainly(Plain plain, const float* x, float variance, float* weights) {
  for (std::size_t i = 0; i < super_elements; ++i) weights[i] = plain_weight(plain, x[i], variance);
}

// Turns the sign that matters least where the number of signs is odd.
void make_even(const float* x, const float* weights, float* magnitudes, std::uint8_t& signs) {
  if (__builtin_parity(signs) == 0)
    return;
  std::size_t least = 0;
  float minimum = weights[0] * x[0] * x[0];
  for (std::size_t i = 1; i < 8; ++i) {
    const float cost = weights[i] * x[i] * x[i];
    if (cost < minimum) {
      minimum = cost;
      least = i;
    }
  }
  magnitudes[least] = -magnitudes[least];
  signs = static_cast<std::uint8_t>(signs ^ 1u << least);
}

struct PortableSearch {
  // Sums of squares of up to `blocks_at_once` blocks.
  static constexpr std::size_t blocks_at_once = 1;
  static void sum_squares(const float* x, std::size_t, float* sums) { sums[0] = sum_of_squares(x, super_elements); }

  // False where the block is not for this search.
  template <class Encoding>
  static bool prepare(const float* x, const float* importance, float sum, GridBlock& block) {
    constexpr GridFormat format = Encoding::format;
    const float variance = variance_of(sum, format.variance_factor);
    if (importance != nullptr)
      weigh(x, importance, variance, super_elements, block.weights);
    else
      weigh_plainly(format.plain, x, variance, block.weights);
    for (std::size_t i = 0; i < super_elements; ++i) {
      block.roots[i] = std::sqrt(block.weights[i]);
      block.magnitudes[i] = x[i] >= 0.0f ? x[i] : -x[i];
    }
    for (std::size_t p = 0; p < super_elements / 8; ++p) {
      unsigned signs = 0;
      for (std::size_t i = 0; i < 8; ++i) signs |= (x[8 * p + i] >= 0.0f ? 0u : 1u) << i;
      block.signs[p] = static_cast<std::uint8_t>(signs);
      if (format.has_even_signs)
        make_even(x + 8 * p, block.weights + 8 * p, block.magnitudes + 8 * p, block.signs[p]);
    }
    for (std::size_t g = 0; g < format.groups(); ++g) {
      const float* magnitudes = block.magnitudes + format.group * g;
      float largest = magnitudes[0];
      for (std::size_t i = 1; i < format.group; ++i) largest = largest > magnitudes[i] ? largest : magnitudes[i];
      block.largest[g] = largest;
      std::uint8_t levels[format.group];
      if (format.has_first_fit)
        block.first[g] =
            fit_positive(magnitudes, block.weights + format.group * g, format.group, format.levels() + 1, levels);
    }
    return true;
  }

  template <unsigned bits>
  static std::uint32_t nearest_point(const PointTable& table, PointEntry entry, const float* x, const float* roots,
                                     float scale) {
    return nearest_candidate<bits>(table, entry, x, roots, scale, odd_values);
  }

  // Trials around `extreme`: makes `fit` the best one, if any is good. Bit k: its point k was off the grid.
  template <class Encoding>
  static unsigned try_scales(const GridBlock& block, std::size_t g, const PointTable& table, float extreme,
                             GridFit& fit) {
    constexpr GridFormat format = Encoding::format;
    const float* x = block.magnitudes + format.group * g;
    const float* weights = block.weights + format.group * g;
    const float* roots = block.roots + format.group * g;
    float best = 0.0f;
    unsigned off_grid = format.again == Again::all_if_off_grid ? ~0u : 0;
    for (int trial = -format.reach; trial <= format.reach; ++trial) {
      const float inverse = (format.top() + static_cast<float>(trial) * format.step) / extreme;
      std::uint16_t codes[max_group_points];
      unsigned candidate_off_grid = 0;
      for (unsigned k = 0; k < format.points(); ++k) {
        const std::size_t at = format.point() * k;
        if (!choose_point<PortableSearch, format.bits>(table, x + at, roots + at, inverse, 1.0f / inverse, codes[k]))
          candidate_off_grid |= 1u << k;
      }
      const GridSums sums = sums_of<format.bits>(x, weights, codes, format.group);
      if (!(sums.qq > 0.0f && sums.xq * sums.xq > best * sums.qq))
        continue;
      fit.scale = sums.xq / sums.qq;
      best = fit.scale * sums.xq;
      off_grid = candidate_off_grid;
      for (std::size_t k = 0; k < format.points(); ++k) fit.codes[k] = codes[k];
    }
    return off_grid;
  }
};

template <class Encoding>
void encode_portably(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_grid<Encoding, PortableSearch, encode_portably<Encoding>>(src, importance, dst, n);
}

}  // namespace

void encode_weighted_iq2_xxs(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_portably<Iq2Xxs>(src, importance, dst, n);
}
void encode_weighted_iq2_xs(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_portably<Iq2Xs>(src, importance, dst, n);
}
void encode_iq2_s(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_portably<Iq2S>(src, nullptr, dst, n);
}
void encode_weighted_iq2_s(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_portably<Iq2S>(src, importance, dst, n);
}
void encode_iq3_xxs(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_portably<Iq3Xxs>(src, nullptr, dst, n);
}
void encode_weighted_iq3_xxs(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_portably<Iq3Xxs>(src, importance, dst, n);
}
void encode_iq3_s(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_portably<Iq3S>(src, nullptr, dst, n);
}
void encode_weighted_iq3_s(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_portably<Iq3S>(src, importance, dst, n);
}

}  // namespace heirloom::kernels
