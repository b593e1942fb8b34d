// The portable row of q6_k.
#include "engine/kernels/blocks_q6_k.hpp"

#include "engine/kernels/blocks.hpp"

namespace heirloom::kernels {
namespace q6k {
namespace {

int load_code(const std::uint8_t* src, std::size_t i) {
  const std::size_t half = i / half_block;
  const std::size_t quarter = i % half_block / 32;
  const int low = src[64 * half + i % 64] >> (quarter / 2 * 4) & 15;
  const int high = src[high_bits_at + 32 * half + i % 32] >> (2 * quarter) & 3;
  return low | high << 4;
}

// Without an importance every weight counts with its square.
void encode_block(const float* x, const float* importance, std::uint8_t* dst) {
  std::int8_t q[super_elements];
  float scales[groups];
  for (std::size_t g = 0; g < groups; ++g) {
    const float* weights = importance == nullptr ? nullptr : importance + group * g;
    scales[g] = fit_symmetric(x + group * g, weights, group, 32, q + group * g);
  }
  if (!store_scales(scales, dst)) {
    for (std::size_t i = 0; i < bytes; ++i) dst[i] = 0;
    return;
  }
  const float scale = load_f16(dst + scale_at);
  for (std::size_t g = 0; g < groups; ++g) {
    const float of_group = group_scale(dst, scale, g);
    if (of_group == 0.0f)
      continue;
    for (std::size_t i = group * g; i < group * (g + 1); ++i)
      q[i] = static_cast<std::int8_t>(clamped(nearest(x[i] / of_group), -32, 31) + 32);
  }
  store_codes(q, dst);
}

void decode_block(const std::uint8_t* src, float* x) {
  const float scale = load_f16(src + scale_at);
  for (std::size_t i = 0; i < super_elements; ++i) {
    const auto code = static_cast<std::int8_t>(src[group_scales_at + i / group]);
    x[i] = scale * static_cast<float>(code) * static_cast<float>(load_code(src, i) - 32);
  }
}

}  // namespace
}  // namespace q6k

void encode_q6_k(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<super_elements, q6k::bytes>(src, dst, n,
                                     [](const float* x, std::uint8_t* block) { q6k::encode_block(x, nullptr, block); });
}
void encode_weighted_q6_k(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each_weighted<super_elements, q6k::bytes>(src, importance, dst, n, q6k::encode_block);
}
void decode_q6_k(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<super_elements, q6k::bytes>(src, dst, n, q6k::decode_block);
}

}  // namespace heirloom::kernels
