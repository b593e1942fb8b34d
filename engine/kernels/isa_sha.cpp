// SHA-256 by x86's SHA extensions. sha256rnds2 does two rounds; it takes the state as two registers, ABEF and CDGH, and the
// sum of two words of the message schedule and their constants.
#include "engine/kernels/sha256_rows.hpp"

#include <immintrin.h>

namespace heirloom::kernels {
namespace {

alignas(16) constexpr std::uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

struct Lane {
  __m128i abef, cdgh;      // before the block
  __m128i now_abef, now_cdgh;
  __m128i words[4];        // the last 16 words of the schedule
};

__m128i load(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }

void open(Lane& lane, const Sha256State& state) {
  const __m128i abcd = _mm_shuffle_epi32(load(state.data()), 0xB1);
  const __m128i efgh = _mm_shuffle_epi32(load(state.data() + 4), 0x1B);
  lane.abef = _mm_alignr_epi8(abcd, efgh, 8);
  lane.cdgh = _mm_blend_epi16(efgh, abcd, 0xF0);
}

void close(const Lane& lane, Sha256State& state) {
  const __m128i feba = _mm_shuffle_epi32(lane.abef, 0x1B);
  const __m128i dchg = _mm_shuffle_epi32(lane.cdgh, 0xB1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data()), _mm_blend_epi16(feba, dchg, 0xF0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data() + 4), _mm_alignr_epi8(dchg, feba, 8));
}

void begin_block(Lane& lane, const std::uint8_t* block) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  lane.now_abef = lane.abef;
  lane.now_cdgh = lane.cdgh;
  for (int i = 0; i < 4; ++i)
    lane.words[i] = _mm_shuffle_epi8(load(block + 16 * i), big_endian);
}

// Rounds 4 group to 4 group + 3, and the words that 16 rounds later need.
void four_rounds(Lane& lane, int group) {
  __m128i& words = lane.words[group & 3];
  const __m128i& last = lane.words[(group + 3) & 3];
  const __m128i sum = _mm_add_epi32(words, load(round_constants + 4 * group));
  lane.now_cdgh = _mm_sha256rnds2_epu32(lane.now_cdgh, lane.now_abef, sum);
  lane.now_abef = _mm_sha256rnds2_epu32(lane.now_abef, lane.now_cdgh, _mm_shuffle_epi32(sum, 0x0E));
  if (group < 12) {
    const __m128i part = _mm_add_epi32(_mm_sha256msg1_epu32(words, lane.words[(group + 1) & 3]),
                                       _mm_alignr_epi8(last, lane.words[(group + 2) & 3], 4));
    words = _mm_sha256msg2_epu32(part, last);
  }
}

void end_block(Lane& lane) {
  lane.abef = _mm_add_epi32(lane.abef, lane.now_abef);
  lane.cdgh = _mm_add_epi32(lane.cdgh, lane.now_cdgh);
}

void one(Sha256State& state, const std::uint8_t* message, std::size_t blocks) noexcept {
  Lane lane;
  open(lane, state);
  for (std::size_t i = 0; i < blocks; ++i) {
    begin_block(lane, message + sha256_block_bytes * i);
#pragma GCC unroll 16
    for (int group = 0; group < 16; ++group)
      four_rounds(lane, group);
    end_block(lane);
  }
  close(lane, state);
}

void two(Sha256State& state_a, const std::uint8_t* message_a, Sha256State& state_b, const std::uint8_t* message_b,
         std::size_t blocks) noexcept {
  Lane a, b;
  open(a, state_a);
  open(b, state_b);
  for (std::size_t i = 0; i < blocks; ++i) {
    begin_block(a, message_a + sha256_block_bytes * i);
    begin_block(b, message_b + sha256_block_bytes * i);
#pragma GCC unroll 16
    for (int group = 0; group < 16; ++group) {
      four_rounds(a, group);
      four_rounds(b, group);
    }
    end_block(a);
    end_block(b);
  }
  close(a, state_a);
  close(b, state_b);
}

}  // namespace

const Sha256Blocks sha256_x86_kernels = {one, two};

}  // namespace heirloom::kernels
