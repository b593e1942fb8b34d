// Decoding of encodings with one scale for each block (nvfp4: for each 16 weights). Layouts: block.hpp,
// blocks_q4_q5.cpp,// blocks_iq4.cpp, blocks_fp4.cpp, blocks_ternary.cpp. See lanes_avx2.hpp for the types of lanes.
#pragma once

#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_rows.hpp"
#include "engine/kernels/blocks_values.hpp"

namespace heirloom::kernels::simd {

static inline bool is_finite_f16(std::uint16_t half) { return (half & 0x7c00) != 0x7c00; }

static inline std::uint32_t load_u32(const std::uint8_t* p) {
  return load_u16(p) | static_cast<std::uint32_t>(load_u16(p + 2)) << 16;
}

// One block after the other. Where a scale is infinite or NaN, `block` writes nothing and gives false, and the portable
// row decodes the block: which NaN comes out is up to it. With finite scales nothing overflows.
template <std::size_t elements, std::size_t bytes, auto block, auto portable>
static void decode_blocks(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  for (; n >= elements; n -= elements, src += bytes, dst += elements)
    if (!block(src, dst))
      portable(src, dst, elements);
}

// Decoders of one block, for decode_blocks. V has sixteen lanes.
template <class V>
struct FlatDecoders {
  using F = typename V::F;
  using I = typename V::I;
  static_assert(V::lanes == 16);

  static I low_nibbles(I bytes) { return bytes & V::all(15); }
  static I high_nibbles(I bytes) { return V::template shift_right<4>(bytes); }
  static I fifth_bits(std::uint32_t bits) { return V::ones(V::mask(bits)) & V::all(16); }

  static bool q8_0(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src)))
      return false;
    const F scale = V::all_f16(load_u16(src));
    V::store(x, scale * V::to_float(V::load_i8(src + 2)));
    V::store(x + 16, scale * V::to_float(V::load_i8(src + 18)));
    return true;
  }

  static bool q4_0(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src)))
      return false;
    const F scale = V::all_f16(load_u16(src));
    const I bytes = V::load_u8(src + 2);
    V::store(x, scale * V::to_float(low_nibbles(bytes) - V::all(8)));
    V::store(x + 16, scale * V::to_float(high_nibbles(bytes) - V::all(8)));
    return true;
  }

  static bool q4_1(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src)) || !is_finite_f16(load_u16(src + 2)))
      return false;
    const F scale = V::all_f16(load_u16(src)), least = V::all_f16(load_u16(src + 2));
    const I bytes = V::load_u8(src + 4);
    V::store(x, V::to_float(low_nibbles(bytes)) * scale + least);
    V::store(x + 16, V::to_float(high_nibbles(bytes)) * scale + least);
    return true;
  }

  static bool q5_0(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src)))
      return false;
    const F scale = V::all_f16(load_u16(src));
    const std::uint32_t fifths = load_u32(src + 2);
    const I bytes = V::load_u8(src + 6);
    const I low = low_nibbles(bytes) | fifth_bits(fifths), high = high_nibbles(bytes) | fifth_bits(fifths >> 16);
    V::store(x, scale * V::to_float(low - V::all(16)));
    V::store(x + 16, scale * V::to_float(high - V::all(16)));
    return true;
  }

  static bool q5_1(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src)) || !is_finite_f16(load_u16(src + 2)))
      return false;
    const F scale = V::all_f16(load_u16(src)), least = V::all_f16(load_u16(src + 2));
    const std::uint32_t fifths = load_u32(src + 4);
    const I bytes = V::load_u8(src + 8);
    V::store(x, V::to_float(low_nibbles(bytes) | fifth_bits(fifths)) * scale + least);
    V::store(x + 16, V::to_float(high_nibbles(bytes) | fifth_bits(fifths >> 16)) * scale + least);
    return true;
  }

  static bool iq4_nl(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src)))
      return false;
    const auto values = V::table16(iq4_values);
    const F scale = V::all_f16(load_u16(src));
    const I bytes = V::load_u8(src + 2);
    V::store(x, scale * V::lookup16(values, low_nibbles(bytes)));
    V::store(x + 16, scale * V::lookup16(values, high_nibbles(bytes)));
    return true;
  }

  static bool mxfp4(const std::uint8_t* src, float* x) {
    const F scale = V::all(half_of_e8m0(src[0]));
    const auto values = V::table16(fp4_values);
    const I bytes = V::load_u8(src + 1);
    V::store(x, V::lookup16(values, low_nibbles(bytes)) * scale);
    V::store(x + 16, V::lookup16(values, high_nibbles(bytes)) * scale);
    return true;
  }

  static bool tq1_0(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src + 52)))
      return false;
    const F scale = V::all_f16(load_u16(src + 52));
    trits<5>(V::load_u8(src), scale, x, 32);
    trits<5>(V::load_u8(src + 16), scale, x + 16, 32);
    trits<5>(V::load_u8(src + 32), scale, x + 160, 16);
    std::uint8_t last[16];  // four bytes of four trits, as the bytes that have each of them on top
    std::uint32_t bytes = load_u32(src + 48);
    for (std::size_t n = 0; n < 4; ++n) {
      __builtin_memcpy(last + 4 * n, &bytes, 4);
      bytes = tripled(bytes);
    }
    trits<1>(V::load_u8(last), scale, x + 240, 0);
    return true;
  }

  static bool tq2_0(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src + 64)))
      return false;
    const F scale = V::all_f16(load_u16(src + 64));
    for (std::size_t half = 0; half < 2; ++half)
      for (std::size_t l = 0; l < 32; l += 16) {
        const I bytes = V::load_u8(src + 32 * half + l);
        float* first = x + 128 * half + l;
        V::store(first, scale * below_one(bytes));
        V::store(first + 32, scale * below_one(V::template shift_right<2>(bytes)));
        V::store(first + 64, scale * below_one(V::template shift_right<4>(bytes)));
        V::store(first + 96, scale * below_one(V::template shift_right<6>(bytes)));
      }
    return true;
  }

  static bool q1_0(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src)))
      return false;
    const F scale = V::all_f16(load_u16(src));
    for (std::size_t i = 0; i < 128; i += 16)
      V::store(x + i, V::select(V::mask(load_u16(src + 2 + i / 8)), scale, V::negate(scale)));
    return true;
  }

  static bool q2_0(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src)))
      return false;
    const F scale = V::all_f16(load_u16(src));
    const I places = V::numbered() + V::numbered();
    for (std::size_t i = 0; i < 64; i += 16) {
      const I codes = V::all(static_cast<std::int32_t>(load_u32(src + 2 + i / 4)));
      V::store(x + i, scale * below_one(V::shift_right(codes, places)));
    }
    return true;
  }

 private:
  // The low two bits less one.
  static F below_one(I codes) { return V::to_float((codes & V::all(3)) - V::all(1)); }

  // Three times each of four bytes, modulo 256.
  static std::uint32_t tripled(std::uint32_t bytes) {
    const std::uint32_t even = (bytes & 0x00ff'00ff) * 3 & 0x00ff'00ff;
    const std::uint32_t odd = (bytes >> 8 & 0x00ff'00ff) * 3 & 0x00ff'00ff;
    return even | odd << 8;
  }

  // The trits of each byte, the highest first, to x, x + stride ...
  template <int count>
  static void trits(I bytes, F scale, float* x, std::size_t stride) {
    for (std::size_t n = 0; n < count; ++n) {
      const I triple = bytes + bytes + bytes;
      V::store(x + stride * n, scale * V::to_float(V::template shift_right<8>(triple) - V::all(1)));
      bytes = triple & V::all(255);
    }
  }
};

// V has eight lanes.
template <class V>
static bool decode_nvfp4_block(const std::uint8_t* src, float* x) {
  const auto values = V::table16(fp4_values);
  for (std::size_t g = 0; g < 4; ++g) {
    const auto scale = V::all(half_of_e4m3(src[g]));
    const auto bytes = V::load_u8(src + 4 + 8 * g);
    V::store(x + 16 * g, V::lookup16(values, bytes & V::all(15)) * scale);
    V::store(x + 16 * g + 8, V::lookup16(values, V::template shift_right<4>(bytes)) * scale);
  }
  return true;
}

}  // namespace heirloom::kernels::simd
