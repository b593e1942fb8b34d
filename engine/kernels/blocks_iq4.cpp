// Four bits for each weight that choose from sixteen uneven values.
//   iq4_nl, 18 bytes, 32 weights   | 0..1 scale f16 | 2..17 nibbles |             weight = scale * values[q]
//   iq4_xs, 136 bytes, 256 weights | 0..1 scale f16 | 2..3 high two bits of each group | 4..7 low four bits of each
//                                  group | 8..135 nibbles |   weight = scale * (group scale - 32) * values[q]
// Nibbles: of each group of 32, byte j of 16 has weight j in its low half and weight j + 16 in its high half.
#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_iq4.hpp"

namespace heirloom::kernels {
namespace iq4 {
namespace {

// The value nearest to x, the upper one of two equally near. Both sides of the comparison are doubled and so exact.
int nearest_value(float x) {
  const float doubled = x + x;
  int index = 0;
  for (int step = 8; step > 0; step >>= 1) {
    const int next = index + step;
    index = doubled >= iq4_values[next - 1] + iq4_values[next] ? next : index;
  }
  return index;
}

struct Products {
  float xq = 0.0f, qq = 0.0f;
};

Products products_of(const float* x, const float* weights, float inverse) {
  Products sums;
  for (std::size_t i = 0; i < group; ++i) {
    const auto q = iq4_values[nearest_value(inverse * x[i])];
    sums.xq += weights[i] * q * x[i];
    sums.qq += weights[i] * q * q;
  }
  return sums;
}

// The scale for one group: fifteen tries around the one that maps the extreme onto the last value.
float fit_values(const float* x, const float* weights) {
  const auto [extreme, magnitude] = extreme_of(x, group);
  if (magnitude < smallest_group)
    return 0.0f;
  const float first = -extreme / iq4_values[0];
  const Products start = products_of(x, weights, 1.0f / first);
  float scale = start.qq > 0.0f ? start.xq / start.qq : 0.0f;
  float best = scale * start.xq;
  for (int trial = -7; trial <= 7; ++trial) {
    const Products sums = products_of(x, weights, (static_cast<float>(trial) + iq4_values[0]) / extreme);
    if (sums.qq > 0.0f && sums.xq * sums.xq > best * sums.qq) {
      scale = sums.xq / sums.qq;
      best = scale * sums.xq;
    }
  }
  return scale;
}

// Without an importance every weight counts with its square. `sum` is the sum of the squares of `elements` weights.
float fit_group(const float* x, const float* importance, float sum, std::size_t elements) {
  float weights[group];
  if (importance != nullptr)
    weigh(x, importance, sum * (2.0f / static_cast<float>(elements)), group, weights);
  else
    for (std::size_t i = 0; i < group; ++i) weights[i] = x[i] * x[i];
  return fit_values(x, weights);
}

void store_values(const float* x, float inverse, std::uint8_t* dst) {
  for (std::size_t j = 0; j < group / 2; ++j)
    dst[j] = static_cast<std::uint8_t>(nearest_value(inverse * x[j]) | nearest_value(inverse * x[j + group / 2]) << 4);
}

void encode_iq4_nl_block(const float* x, const float* importance, std::uint8_t* dst) {
  const float scale = fit_group(x, importance, sum_of_squares(x, group), group);
  store_f16(dst, scale);
  store_values(x, inverse_of(scale), dst + 2);
}

void encode_iq4_xs_block(const float* x, const float* importance, std::uint8_t* dst) {
  const float sum = sum_of_squares(x, super_elements);
  float scales[groups], inverses[groups];
  for (std::size_t g = 0; g < groups; ++g)
    scales[g] = fit_group(x + group * g, importance == nullptr ? nullptr : importance + group * g, sum, super_elements);
  store_group_scales(scales, dst, inverses);
  for (std::size_t g = 0; g < groups; ++g) store_values(x + group * g, inverses[g], dst + 8 + group / 2 * g);
}

void load_values(const std::uint8_t* src, float scale, float* x) {
  for (std::size_t j = 0; j < group / 2; ++j) {
    x[j] = scale * iq4_values[src[j] & 15];
    x[j + group / 2] = scale * iq4_values[src[j] >> 4];
  }
}

void decode_iq4_xs_block(const std::uint8_t* src, float* x) {
  const float scale = load_f16(src);
  const unsigned high = load_u16(src + 2);
  for (std::size_t g = 0; g < groups; ++g) {
    const unsigned low = src[4 + g / 2] >> (g % 2 * 4) & 15u;
    const auto code = static_cast<int>(low | (high >> 2 * g & 3) << 4) - 32;
    load_values(src + 8 + group / 2 * g, scale * static_cast<float>(code), x + group * g);
  }
}

}  // namespace
}  // namespace iq4

void encode_iq4_nl(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<iq4::group, iq4::nl_bytes>(src, dst, n,
                         [](const float* x, std::uint8_t* block) { iq4::encode_iq4_nl_block(x, nullptr, block); });
}
void encode_weighted_iq4_nl(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each_weighted<iq4::group, iq4::nl_bytes>(src, importance, dst, n, iq4::encode_iq4_nl_block);
}
void decode_iq4_nl(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<iq4::group, iq4::nl_bytes>(src, dst, n,
                         [](const std::uint8_t* block, float* x) { iq4::load_values(block + 2, load_f16(block), x); });
}

void encode_iq4_xs(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<super_elements, iq4::xs_bytes>(src, dst, n,
                                   [](const float* x, std::uint8_t* block) { iq4::encode_iq4_xs_block(x, nullptr, block); });
}
void encode_weighted_iq4_xs(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each_weighted<super_elements, iq4::xs_bytes>(src, importance, dst, n, iq4::encode_iq4_xs_block);
}
void decode_iq4_xs(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, iq4::xs_bytes>(src, dst, n, iq4::decode_iq4_xs_block);
}

}  // namespace heirloom::kernels
