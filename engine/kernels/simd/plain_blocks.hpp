// q8_0 and q4_0 as templates on types of lanes, for rows without instructions of their own for them.
#pragma once

#include "engine/kernels/simd/decode_flat.hpp"
#include "engine/kernels/simd/encode_flat.hpp"

namespace heirloom::kernels::simd {

static void encode_q4_0_portable(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_each<block_elements, q4_0_bytes>(src, dst, n, encode_q4_0_block);
}
static void decode_q8_0_portable(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<block_elements, q8_0_bytes>(src, dst, n, decode_q8_0_block);
}
static void decode_q4_0_portable(const std::uint8_t* src, float* dst, std::size_t n) noexcept {
  decode_each<block_elements, q4_0_bytes>(src, dst, n, decode_q4_0_block);
}

template <class Eight, class Sixteen>
struct PlainBlocks {
  using Encoders = FlatEncoders<Eight, Sixteen>;
  using Decoders = FlatDecoders<Sixteen>;
  static constexpr auto encode_q8_0 = encode_batches<32, q8_0_bytes, 8, Encoders::q8_0>;
  static constexpr auto encode_q4_0 =
      encode_batches<32, q4_0_bytes, 8, Encoders::template symmetric<15, q4_0_bytes, encode_q4_0_portable>>;
  static constexpr auto decode_q8_0 = decode_blocks<32, q8_0_bytes, Decoders::q8_0, decode_q8_0_portable>;
  static constexpr auto decode_q4_0 = decode_blocks<32, q4_0_bytes, Decoders::q4_0, decode_q4_0_portable>;
};

}  // namespace heirloom::kernels::simd
