// Decoding of blocks of 256 whose groups have scales of their own. Layouts: blocks_k23.cpp, blocks_k45.hpp,
// blocks_q6_k.cpp, blocks_iq4.cpp. Functions decode one block, for decode_blocks of decode_flat.hpp.
#pragma once

#include "engine/kernels/blocks_k45.hpp"
#include "engine/kernels/simd/decode_flat.hpp"

namespace heirloom::kernels::simd {

// V has sixteen lanes.
template <class V>
struct KDecoders {
  using F = typename V::F;
  using I = typename V::I;
  static_assert(V::lanes == 16);

  static bool q2_k(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src + 80)) || !is_finite_f16(load_u16(src + 82)))
      return false;
    const I codes = V::load_u8(src);
    float scales[16], leasts[16];
    V::store(scales, V::all_f16(load_u16(src + 80)) * V::to_float(codes & V::all(15)));
    V::store(leasts, V::all_f16(load_u16(src + 82)) * V::to_float(V::template shift_right<4>(codes)));
    for (std::size_t g = 0; g < 16; g = g % 2 == 0 ? g + 1 : g + 7) {  // 0 1 8 9: those that share no bytes
      const I bytes = V::load_u8(src + 16 + g / 8 * 32 + g % 2 * 16);
      store_affine(bytes, scales[g], leasts[g], x + 16 * g);
      store_affine(V::template shift_right<2>(bytes), scales[g + 2], leasts[g + 2], x + 16 * g + 32);
      store_affine(V::template shift_right<4>(bytes), scales[g + 4], leasts[g + 4], x + 16 * g + 64);
      store_affine(V::template shift_right<6>(bytes), scales[g + 6], leasts[g + 6], x + 16 * g + 96);
    }
    return true;
  }

  static bool q3_k(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src + 108)))
      return false;
    float scales[16];
    V::store(scales, V::all_f16(load_u16(src + 108)) * V::to_float(six_bits(src + 96) - V::all(32)));
    for (std::size_t l = 0; l < 32; l += 16) {
      const I thirds = V::load_u8(src + l);
      const I first = V::load_u8(src + 32 + l), second = V::load_u8(src + 64 + l);
      const float* scale = scales + l / 16;
      V::store(x + l, V::all(scale[0]) * three_bits<0>(first, thirds));
      V::store(x + l + 32, V::all(scale[2]) * three_bits<1>(first, thirds));
      V::store(x + l + 64, V::all(scale[4]) * three_bits<2>(first, thirds));
      V::store(x + l + 96, V::all(scale[6]) * three_bits<3>(first, thirds));
      V::store(x + l + 128, V::all(scale[8]) * three_bits<4>(second, thirds));
      V::store(x + l + 160, V::all(scale[10]) * three_bits<5>(second, thirds));
      V::store(x + l + 192, V::all(scale[12]) * three_bits<6>(second, thirds));
      V::store(x + l + 224, V::all(scale[14]) * three_bits<7>(second, thirds));
    }
    return true;
  }

  template <class Bits>
  static bool q45_k(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src)) || !is_finite_f16(load_u16(src + 2)))
      return false;
    std::uint8_t codes[16];  // scales and least values
    for (std::size_t g = 0; g < k45::groups; ++g) {
      const k45::GroupCodes group = k45::load_group_codes(src + 4, g);
      codes[g] = static_cast<std::uint8_t>(group.scale);
      codes[g + 8] = static_cast<std::uint8_t>(group.least);
    }
    float scales[16];
    const F block_scales = V::select(V::mask(0xff), V::all_f16(load_u16(src)), V::all_f16(load_u16(src + 2)));
    V::store(scales, block_scales * V::to_float(V::load_u8(codes)));
    for (std::size_t l = 0; l < k45::group; l += 16) {
      I fifths = V::all(0);
      if constexpr (Bits::levels > 15)
        fifths = V::load_u8(src + 16 + l);
      for (std::size_t g = 0; g < k45::groups; g += 2) {
        const I bytes = V::load_u8(src + Bits::nibbles + k45::group / 2 * g + l);
        I low = bytes & V::all(15), high = V::template shift_right<4>(bytes);
        if constexpr (Bits::levels > 15) {
          low = low | (V::template shift_left<4>(fifths) & V::all(16));
          high = high | (V::template shift_left<3>(fifths) & V::all(16));
          fifths = V::template shift_right<2>(fifths);
        }
        float* const group = x + k45::group * g + l;
        V::store(group, V::all(scales[g]) * V::to_float(low) - V::all(scales[g + 8]));
        V::store(group + k45::group, V::all(scales[g + 1]) * V::to_float(high) - V::all(scales[g + 9]));
      }
    }
    return true;
  }

  static bool q6_k(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src + 208)))
      return false;
    float scales[16];
    V::store(scales, V::all_f16(load_u16(src + 208)) * V::to_float(V::load_i8(src + 192)));
    for (std::size_t half = 0; half < 2; ++half)
      for (std::size_t l = 0; l < 32; l += 16) {
        const I first = V::load_u8(src + 64 * half + l), second = V::load_u8(src + 64 * half + 32 + l);
        const I high = V::load_u8(src + 128 + 32 * half + l);
        const float* scale = scales + 8 * half + l / 16;
        float* const quarter = x + 128 * half + l;
        const I mask = V::all(15);
        store_six_bits(first & mask, V::template shift_left<4>(high), scale[0], quarter);
        store_six_bits(second & mask, V::template shift_left<2>(high), scale[2], quarter + 32);
        store_six_bits(V::template shift_right<4>(first), high, scale[4], quarter + 64);
        store_six_bits(V::template shift_right<4>(second), V::template shift_right<2>(high), scale[6], quarter + 96);
      }
    return true;
  }

  static bool iq4_xs(const std::uint8_t* src, float* x) {
    if (!is_finite_f16(load_u16(src)))
      return false;
    const auto values = V::table16(iq4_values);
    const I places = V::numbered() + V::numbered();
    const I low = V::shift_right(V::all(static_cast<std::int32_t>(load_u32(src + 4))), places + places) & V::all(15);
    const I high = V::shift_right(V::all(load_u16(src + 2)), places) & V::all(3);
    float scales[16];  // of which eight count
    V::store(scales, V::all_f16(load_u16(src)) *
                         V::to_float((low | V::template shift_left<4>(high)) - V::all(32)));
    for (std::size_t g = 0; g < 8; ++g) {
      const I bytes = V::load_u8(src + 8 + 16 * g);
      const F scale = V::all(scales[g]);
      V::store(x + 32 * g, scale * V::lookup16(values, bytes & V::all(15)));
      V::store(x + 32 * g + 16, scale * V::lookup16(values, V::template shift_right<4>(bytes)));
    }
    return true;
  }

 private:
  static void store_affine(I codes, float scale, float least, float* x) {
    V::store(x, V::all(scale) * V::to_float(codes & V::all(3)) - V::all(least));
  }

  static void store_six_bits(I low, I high, float scale, float* x) {
    V::store(x, V::all(scale) * V::to_float((low | (high & V::all(48))) - V::all(32)));
  }

  // The two bits of group 32 * part and its third one, less four.
  template <int part>
  static F three_bits(I bytes, I thirds) {
    const I two = V::template shift_right<part % 4 * 2>(bytes) & V::all(3);
    I third = thirds;
    if constexpr (part < 2)
      third = V::template shift_left<2 - part>(thirds);
    else if constexpr (part > 2)
      third = V::template shift_right<part - 2>(thirds);
    return V::to_float((two | (third & V::all(4))) - V::all(4));
  }

  // Six bits of each of sixteen groups from twelve bytes; see blocks_k23.cpp.
  static I six_bits(const std::uint8_t* src) {
    constexpr std::uint32_t nibbles = 0x0f0f'0f0f, pairs = 0x0303'0303;
    const std::uint32_t first = load_u32(src), second = load_u32(src + 4), high = load_u32(src + 8);
    const std::uint32_t words[4] = {(first & nibbles) | (high & pairs) << 4,
                                    (second & nibbles) | (high >> 2 & pairs) << 4,
                                    (first >> 4 & nibbles) | (high >> 4 & pairs) << 4,
                                    (second >> 4 & nibbles) | (high >> 6 & pairs) << 4};
    std::uint8_t codes[16];
    __builtin_memcpy(codes, words, sizeof codes);
    return V::load_u8(codes);
  }
};

}  // namespace heirloom::kernels::simd
