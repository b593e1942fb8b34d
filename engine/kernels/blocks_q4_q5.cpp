// Blocks of 32 with four or five bits for each weight. With an importance the variance is that of the whole row.
//   q4_1, 20 bytes | 0..1 scale f16 | 2..3 least f16 | 4..19 nibbles |                     weight = scale * q + least
//   q5_0, 22 bytes | 0..1 scale f16 | 2..5 fifth bits | 6..21 nibbles |                    weight = scale * (q - 16)
//   q5_1, 24 bytes | 0..1 scale f16 | 2..3 least f16 | 4..7 fifth bits | 8..23 nibbles |   weight = scale * q + least
// Nibbles: byte j has weight j in its low half and weight j + 16 in its high half. Bit j of the fifth bits is weight
// j's.
#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_rows.hpp"

namespace heirloom::kernels {
namespace {

constexpr std::size_t half_block = block_elements / 2;

void store_nibbles(const std::uint8_t* q, std::uint8_t* dst) {
  for (std::size_t j = 0; j < half_block; ++j) dst[j] = static_cast<std::uint8_t>((q[j] & 15) | q[j + half_block] << 4);
}

void store_fifth_bits(const std::uint8_t* q, std::uint8_t* dst) {
  for (std::size_t byte = 0; byte < 4; ++byte) {
    unsigned bits = 0;
    for (std::size_t j = 0; j < 8; ++j) bits |= (q[8 * byte + j] >> 4 & 1u) << j;
    dst[byte] = static_cast<std::uint8_t>(bits);
  }
}

void load_nibbles(const std::uint8_t* src, std::uint8_t* q) {
  for (std::size_t j = 0; j < half_block; ++j) {
    q[j] = src[j] & 15;
    q[j + half_block] = src[j] >> 4;
  }
}

void load_fifth_bits(const std::uint8_t* src, std::uint8_t* q) {
  for (std::size_t j = 0; j < block_elements; ++j)
    q[j] = static_cast<std::uint8_t>(q[j] | (src[j / 8] >> (j % 8) & 1) << 4);
}

float row_variance(const float* x, std::size_t n) { return sum_of_squares(x, n) / static_cast<float>(n); }

// What does not fit wraps around before it is limited, as in ggml.
std::uint8_t limited(float value, std::int8_t limit) {
  const auto code = static_cast<std::int8_t>(truncated(value));
  return static_cast<std::uint8_t>(code < limit ? code : limit);
}

struct Range {
  float min = 0x1.fffffep127f;
  float max = -0x1.fffffep127f;
};

Range range_of(const float* x) {
  Range range;
  for (std::size_t i = 0; i < block_elements; ++i) {
    range.min = x[i] < range.min ? x[i] : range.min;
    range.max = x[i] > range.max ? x[i] : range.max;
  }
  return range;
}

void encode_q4_1_block(const float* x, std::uint8_t* dst) {
  const Range range = range_of(x);
  const float scale = (range.max - range.min) / 15.0f;
  const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
  std::uint8_t q[block_elements];
  for (std::size_t i = 0; i < block_elements; ++i) q[i] = limited((x[i] - range.min) * inverse + 0.5f, 15);
  store_f16(dst, scale);
  store_f16(dst + 2, range.min);
  for (std::size_t j = 0; j < half_block; ++j) dst[4 + j] = static_cast<std::uint8_t>(q[j] | q[j + half_block] << 4);
}

void encode_q5_0_block(const float* x, std::uint8_t* dst) {
  const float scale = extreme_of(x, block_elements).value / -16.0f;
  const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
  std::uint8_t q[block_elements];
  for (std::size_t i = 0; i < block_elements; ++i) q[i] = limited(x[i] * inverse + 16.5f, 31);
  store_f16(dst, scale);
  store_fifth_bits(q, dst + 2);
  store_nibbles(q, dst + 6);
}

void encode_q5_1_block(const float* x, std::uint8_t* dst) {
  const Range range = range_of(x);
  const float scale = (range.max - range.min) / 31.0f;
  const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
  std::uint8_t q[block_elements];
  for (std::size_t i = 0; i < block_elements; ++i)
    q[i] = static_cast<std::uint8_t>(truncated((x[i] - range.min) * inverse + 0.5f));
  store_f16(dst, scale);
  store_f16(dst + 2, range.min);
  store_fifth_bits(q, dst + 4);
  store_nibbles(q, dst + 8);
}

// Codes are below 2 * levels, never negative.
float weighted_symmetric(const float* x, const float* importance, float variance, int levels, std::uint8_t* q) {
  float weights[block_elements];
  std::int8_t codes[block_elements];
  weigh(x, importance, variance, block_elements, weights);
  const float scale = fit_symmetric(x, weights, block_elements, levels, codes);
  for (std::size_t i = 0; i < block_elements; ++i) q[i] = static_cast<std::uint8_t>(codes[i]);
  return scale;
}

Affine weighted_affine(const float* x, const float* importance, float variance, int levels, std::uint8_t* q) {
  float weights[block_elements];
  weigh(x, importance, variance, block_elements, weights);
  return fit_affine<Deviation::squared>(x, weights, block_elements, levels, weighted_trials(), q);
}

}  // namespace

void encode_weighted_q4_0(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  const float variance = row_variance(src, n);
  encode_each_weighted<32, 18>(src, importance, dst, n, [&](const float* x, const float* w, std::uint8_t* block) {
    std::uint8_t q[block_elements];
    store_f16(block, weighted_symmetric(x, w, variance, 8, q));
    store_nibbles(q, block + 2);
  });
}

void encode_q4_1(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<32, 20>(src, dst, n, encode_q4_1_block);
}

void encode_weighted_q4_1(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  const float variance = row_variance(src, n);
  encode_each_weighted<32, 20>(src, importance, dst, n, [&](const float* x, const float* w, std::uint8_t* block) {
    std::uint8_t q[block_elements];
    const Affine fit = weighted_affine(x, w, variance, 15, q);
    store_f16(block, fit.scale);
    store_f16(block + 2, -fit.minus_min);
    store_nibbles(q, block + 4);
  });
}

void decode_q4_1(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<32, 20>(src, dst, n, [](const std::uint8_t* block, float* x) {
    std::uint8_t q[block_elements];
    load_nibbles(block + 4, q);
    const float scale = load_f16(block);
    const float least = load_f16(block + 2);
    for (std::size_t i = 0; i < block_elements; ++i) x[i] = static_cast<float>(q[i]) * scale + least;
  });
}

void encode_q5_0(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<32, 22>(src, dst, n, encode_q5_0_block);
}

void encode_weighted_q5_0(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  const float variance = row_variance(src, n);
  encode_each_weighted<32, 22>(src, importance, dst, n, [&](const float* x, const float* w, std::uint8_t* block) {
    std::uint8_t q[block_elements];
    store_f16(block, weighted_symmetric(x, w, variance, 16, q));
    store_fifth_bits(q, block + 2);
    store_nibbles(q, block + 6);
  });
}

void decode_q5_0(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<32, 22>(src, dst, n, [](const std::uint8_t* block, float* x) {
    std::uint8_t q[block_elements];
    load_nibbles(block + 6, q);
    load_fifth_bits(block + 2, q);
    const float scale = load_f16(block);
    for (std::size_t i = 0; i < block_elements; ++i) x[i] = scaled(scale, q[i] - 16);
  });
}

void encode_q5_1(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<32, 24>(src, dst, n, encode_q5_1_block);
}

void encode_weighted_q5_1(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  const float variance = row_variance(src, n);
  encode_each_weighted<32, 24>(src, importance, dst, n, [&](const float* x, const float* w, std::uint8_t* block) {
    std::uint8_t q[block_elements];
    const Affine fit = weighted_affine(x, w, variance, 31, q);
    store_f16(block, fit.scale);
    store_f16(block + 2, -fit.minus_min);
    store_fifth_bits(q, block + 4);
    store_nibbles(q, block + 8);
  });
}

void decode_q5_1(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<32, 24>(src, dst, n, [](const std::uint8_t* block, float* x) {
    std::uint8_t q[block_elements];
    load_nibbles(block + 8, q);
    load_fifth_bits(block + 4, q);
    const float scale = load_f16(block);
    const float least = load_f16(block + 2);
    for (std::size_t i = 0; i < block_elements; ++i) x[i] = static_cast<float>(q[i]) * scale + least;
  });
}

}  // namespace heirloom::kernels
