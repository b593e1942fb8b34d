// One or two bits, or a third of a byte and less, for each weight; one scale for a block.
//   tq1_0, 54 bytes, 256 weights | 0..31 five trits a byte | 32..47 five trits a byte | 48..51 four trits a byte |
//                                52..53 scale f16 |        weight = scale * (t - 1)
//   tq2_0, 66 bytes, 256 weights | 0..63 two bits for each weight | 64..65 scale f16 |     weight = scale * (q - 1)
//   q1_0, 18 bytes, 128 weights  | 0..1 scale f16 | 2..17 one bit for each weight |        weight = scale or -scale
//   q2_0, 18 bytes, 64 weights   | 0..1 scale f16 | 2..17 two bits for each weight |       weight = scale * (q - 1)
// tq2_0: byte l of a half block has weights l, l + 32, l + 64 and l + 96 of it. q1_0 and q2_0: weights in order, lowest
// bits first. Trits: see `runs`.
#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_rows.hpp"

namespace heirloom::kernels {
namespace {

// Byte m of a run holds weights m, m + bytes, m + 2 * bytes ... of its run, the first in the highest trit, as the
// fraction of 256 (rounded up) that the number of five trits is of 3^5: the highest trit is the integer part of three
// times it.
struct Run {
  std::size_t bytes, trits;
};
constexpr Run runs[3] = {{32, 5}, {16, 5}, {4, 4}};
constexpr std::size_t trit_bytes = 52;

float largest_of(const float* x, std::size_t n) {
  float largest = 0.0f;
  for (std::size_t i = 0; i < n; ++i) largest = largest > magnitude_of(x[i]) ? largest : magnitude_of(x[i]);
  return largest;
}

// -1, 0 or 1 as 0, 1 or 2. What is no number counts as 0.
unsigned trit_of(float scaled_value) { return static_cast<unsigned>(rounded(scaled_value)) + 1; }

std::uint8_t pack_trits(const float* x, float inverse, Run run) {
  unsigned number = 0;
  for (std::size_t n = 0; n < 5; ++n) number = number * 3 + (n < run.trits ? trit_of(x[run.bytes * n] * inverse) : 0);
  return static_cast<std::uint8_t>(((number & 255) * 256 + 242) / 243);
}

void encode_tq1_0_block(const float* x, std::uint8_t* dst) {
  const float scale = largest_of(x, super_elements);
  const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
  store_f16(dst + trit_bytes, scale);
  for (const Run& run : runs) {
    for (std::size_t m = 0; m < run.bytes; ++m) *dst++ = pack_trits(x + m, inverse, run);
    x += run.bytes * run.trits;
  }
}

void decode_tq1_0_block(const std::uint8_t* src, float* x) {
  constexpr unsigned powers[5] = {1, 3, 9, 27, 81};
  const float scale = load_f16(src + trit_bytes);
  for (const Run& run : runs) {
    for (std::size_t n = 0; n < run.trits; ++n)
      for (std::size_t m = 0; m < run.bytes; ++m) {
        const unsigned rest = src[m] * powers[n] & 255;
        *x++ = scaled(scale, static_cast<int>(rest * 3 >> 8) - 1);
      }
    src += run.bytes;
  }
}

void encode_tq2_0_block(const float* x, std::uint8_t* dst) {
  const float scale = largest_of(x, super_elements);
  const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
  for (std::size_t half = 0; half < 2; ++half)
    for (std::size_t l = 0; l < 32; ++l) {
      unsigned bits = 0;
      for (std::size_t n = 0; n < 4; ++n) bits |= (trit_of(x[128 * half + 32 * n + l] * inverse) & 3) << 2 * n;
      dst[32 * half + l] = static_cast<std::uint8_t>(bits);
    }
  store_f16(dst + 64, scale);
}

void decode_tq2_0_block(const std::uint8_t* src, float* x) {
  const float scale = load_f16(src + 64);
  for (std::size_t i = 0; i < super_elements; ++i)
    x[i] = scaled(scale, (src[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3) - 1);
}

// The scale is the mean magnitude; zero, of either sign, counts as positive.
void encode_q1_0_block(const float* x, std::uint8_t* dst) {
  float sum = 0.0f;
  for (std::size_t i = 0; i < 128; ++i) sum += magnitude_of(x[i]);
  store_f16(dst, sum / 128.0f);
  for (std::size_t byte = 0; byte < 16; ++byte) {
    unsigned bits = 0;
    for (std::size_t j = 0; j < 8; ++j) bits |= (x[8 * byte + j] >= 0.0f ? 1u : 0u) << j;
    dst[2 + byte] = static_cast<std::uint8_t>(bits);
  }
}

void decode_q1_0_block(const std::uint8_t* src, float* x) {
  const float scale = load_f16(src);
  for (std::size_t i = 0; i < 128; ++i) x[i] = (src[2 + i / 8] >> (i % 8) & 1) != 0 ? scale : -scale;
}

void encode_q2_0_block(const float* x, std::uint8_t* dst) {
  float scale = 0.0f;
  for (std::size_t i = 0; i < 64; ++i) scale = magnitude_of(x[i]) > scale ? magnitude_of(x[i]) : scale;
  const float inverse = scale > 0.0f ? 1.0f / scale : 0.0f;
  store_f16(dst, scale);
  for (std::size_t byte = 0; byte < 16; ++byte) {
    unsigned bits = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const std::int32_t code = clamped(rounded(x[4 * byte + j] * inverse), -1, 2) + 1;
      bits |= static_cast<unsigned>(code) << 2 * j;
    }
    dst[2 + byte] = static_cast<std::uint8_t>(bits);
  }
}

void decode_q2_0_block(const std::uint8_t* src, float* x) {
  const float scale = load_f16(src);
  for (std::size_t i = 0; i < 64; ++i) x[i] = scaled(scale, (src[2 + i / 4] >> (i % 4 * 2) & 3) - 1);
}

}  // namespace

void encode_tq1_0(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<super_elements, 54>(src, dst, n, encode_tq1_0_block);
}
void decode_tq1_0(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, 54>(src, dst, n, decode_tq1_0_block);
}

void encode_tq2_0(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<super_elements, 66>(src, dst, n, encode_tq2_0_block);
}
void decode_tq2_0(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, 66>(src, dst, n, decode_tq2_0_block);
}

void encode_q1_0(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<128, 18>(src, dst, n, encode_q1_0_block);
}
void decode_q1_0(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<128, 18>(src, dst, n, decode_q1_0_block);
}

void encode_q2_0(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<64, 18>(src, dst, n, encode_q2_0_block);
}
void decode_q2_0(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<64, 18>(src, dst, n, decode_q2_0_block);
}

}  // namespace heirloom::kernels
