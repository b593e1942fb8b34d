// Four-bit floating point, e2m1, with small scales. Codes stand for twice their value, so the scales are halves.
//   mxfp4, 17 bytes, 32 weights | 0 scale e8m0 | 1..16 nibbles |             weight = 2^(scale - 128) * values[q]
//   nvfp4, 36 bytes, 64 weights | 0..3 scale e4m3 of each group of 16 | 4..35 eight bytes of nibbles for each group |
//                                                                          weight = scale / 2 * values[q]
// Nibbles: byte j of a group has weight j of its first half in its low half and that of its second half in its high.
#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_rows.hpp"
#include "engine/kernels/blocks_values.hpp"

namespace heirloom::kernels {
namespace {

constexpr std::size_t nvfp4_group = 16;
constexpr std::size_t nvfp4_groups = 4;

// The first of the nearest.
int nearest_value(float x, float scale) {
  int index = 0;
  float smallest = magnitude_of(fp4_values[0] * scale - x);
  for (int i = 1; i < 16; ++i) {
    const float error = magnitude_of(fp4_values[i] * scale - x);
    if (error < smallest) {
      smallest = error;
      index = i;
    }
  }
  return index;
}

void store_values(const float* x, float scale, std::size_t half, std::uint8_t* dst) {
  for (std::size_t j = 0; j < half; ++j)
    dst[j] = static_cast<std::uint8_t>(nearest_value(x[j], scale) | nearest_value(x[j + half], scale) << 4);
}

void load_values(const std::uint8_t* src, float scale, std::size_t half, float* x) {
  for (std::size_t j = 0; j < half; ++j) {
    x[j] = fp4_values[src[j] & 15] * scale;
    x[j + half] = fp4_values[src[j] >> 4] * scale;
  }
}

float largest_of(const float* x, std::size_t n) {
  float largest = 0.0f;
  for (std::size_t i = 0; i < n; ++i) largest = largest < magnitude_of(x[i]) ? magnitude_of(x[i]) : largest;
  return largest;
}

// floor(log2f(value)) of a positive value: the exponent, or one more where the logarithm rounds up to it, which is
// where the value is at most `near[k]` units of its last place (of 24 bits) below 2^exponent, |exponent| in [2^k,
// 2^(k+1)). A positive exponent that is a power of two has the finer spacing of the numbers below it.
int rounded_log2(float value) {
  constexpr std::uint32_t near[8] = {0, 1, 2, 5, 11, 22, 44, 88};
  const std::uint32_t bits = bits_of(value);
  if (bits >= infinity_bits)
    return INT32_MIN;
  const auto shift = bits >> 23 != 0 ? 0u : static_cast<unsigned>(__builtin_clz(bits)) - 8;
  const std::uint32_t fraction = bits << shift & 0x7f'ffff;
  const int above = (bits >> 23 != 0 ? static_cast<int>(bits >> 23) : 1 - static_cast<int>(shift)) - 126;
  if (above == 0)
    return -1;
  const auto magnitude = static_cast<unsigned>(above < 0 ? -above : above);
  const bool is_finer = above > 0 && (magnitude & (magnitude - 1)) == 0;
  const auto k = 31 - static_cast<unsigned>(__builtin_clz(magnitude));
  const std::uint32_t limit = is_finer ? (k == 0 ? 0 : near[k - 1]) : near[k];
  return 0x80'0000 - fraction <= limit ? above : above - 1;
}

// Below 2^-125 the code wraps around, as in ggml.
void encode_mxfp4_block(const float* x, std::uint8_t* dst) {
  const float largest = largest_of(x, block_elements);
  const auto code =
      static_cast<std::uint8_t>(largest > 0.0f ? static_cast<unsigned>(rounded_log2(largest)) + 125u : 0u);
  dst[0] = code;
  store_values(x, half_of_e8m0(code), block_elements / 2, dst + 1);
}

// e4m3 without sign: halves round up, what is too large gives the largest, what is no positive number zero.
std::uint8_t unsigned_e4m3(float value) {
  if (!(value > 0.0f))
    return 0;
  const std::uint32_t bits = bits_of(value);
  const int exponent = static_cast<int>(bits >> 23) - 120;
  if (exponent <= 0) {
    const std::int32_t code = truncated(value * 512.0f + 0.5f);
    return static_cast<std::uint8_t>(code < 7 ? code : 7);
  }
  if (exponent >= 15)
    return 0x7e;
  const std::uint32_t code = static_cast<std::uint32_t>(exponent) << 3 | (bits >> 20 & 7);
  const std::uint32_t rounded_code = code + (bits >> 19 & 1);
  return static_cast<std::uint8_t>(rounded_code < 15u << 3 ? rounded_code : 0x7e);
}

void encode_nvfp4_block(const float* x, std::uint8_t* dst) {
  for (std::size_t g = 0; g < nvfp4_groups; ++g) {
    const float* numbers = x + nvfp4_group * g;
    dst[g] = unsigned_e4m3(largest_of(numbers, nvfp4_group) / 6.0f);
    store_values(numbers, half_of_e4m3(dst[g]), nvfp4_group / 2, dst + nvfp4_groups + nvfp4_group / 2 * g);
  }
}

}  // namespace

void encode_mxfp4(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<32, 17>(src, dst, n, encode_mxfp4_block);
}
void decode_mxfp4(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<32, 17>(src, dst, n, [](const std::uint8_t* block, float* x) {
    load_values(block + 1, half_of_e8m0(block[0]), block_elements / 2, x);
  });
}

void encode_nvfp4(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<64, 36>(src, dst, n, encode_nvfp4_block);
}
void decode_nvfp4(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<64, 36>(src, dst, n, [](const std::uint8_t* block, float* x) {
    for (std::size_t g = 0; g < nvfp4_groups; ++g)
      load_values(block + nvfp4_groups + nvfp4_group / 2 * g, half_of_e4m3(block[g]), nvfp4_group / 2,
                  x + nvfp4_group * g);
  });
}

}  // namespace heirloom::kernels
