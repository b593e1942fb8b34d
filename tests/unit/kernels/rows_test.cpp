// Every row gives the scalar row's bits, whatever the input and its length.
#include "engine/kernels/kernels.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace {

using heirloom::kernels::Kernels;
using heirloom::kernels::scalar_kernels;
using heirloom::kernels::supported;
using Bytes = std::vector<std::uint8_t>;
using Decode = void (*Kernels::*)(const std::uint8_t*, float*, std::size_t) noexcept;
using Encode = void (*Kernels::*)(const float*, std::uint8_t*, std::size_t) noexcept;

struct Decoder {
  const char* name;
  Decode kernel;
  std::size_t elements;  // of a block
  std::size_t bytes;
};
struct Encoder {
  const char* name;
  Encode kernel;
  std::size_t elements;
  std::size_t bytes;
};

constexpr std::array decoders{
    Decoder{"f16", &Kernels::f16_to_f32, 1, 2},         Decoder{"bf16", &Kernels::bf16_to_f32, 1, 2},
    Decoder{"f8_e4m3", &Kernels::f8_e4m3_to_f32, 1, 1}, Decoder{"f8_e5m2", &Kernels::f8_e5m2_to_f32, 1, 1},
    Decoder{"f64", &Kernels::f64_to_f32, 1, 8},         Decoder{"f64 odd", &Kernels::f64_to_f32_odd, 1, 8},
    Decoder{"q8_0", &Kernels::decode_q8_0, 32, 34},     Decoder{"q4_0", &Kernels::decode_q4_0, 32, 18},
};
constexpr std::array encoders{
    Encoder{"f16", &Kernels::f32_to_f16, 1, 2},         Encoder{"bf16", &Kernels::f32_to_bf16, 1, 2},
    Encoder{"f8_e4m3", &Kernels::f32_to_f8_e4m3, 1, 1}, Encoder{"f8_e5m2", &Kernels::f32_to_f8_e5m2, 1, 1},
    Encoder{"q8_0", &Kernels::encode_q8_0, 32, 34},     Encoder{"q4_0", &Kernels::encode_q4_0, 32, 18},
};

// The results lie at an odd address with a guard of one byte on both sides, in vectors of the exact size, so that a
// sanitizer sees every byte too far.
Bytes run(const Kernels& row, const Decoder& decoder, const Bytes& input) {
  const std::size_t n = input.size() / decoder.bytes * decoder.elements;
  std::vector<float> output(n + 2, -77.0f);
  Bytes shifted(1, 0);
  shifted.insert(shifted.end(), input.begin(), input.end());
  (row.*decoder.kernel)(shifted.data() + 1, output.data() + 1, n);
  Bytes bytes(4 * output.size());
  std::memcpy(bytes.data(), output.data(), bytes.size());
  return bytes;
}

Bytes run(const Kernels& row, const Encoder& encoder, const std::vector<float>& input) {
  Bytes output(input.size() / encoder.elements * encoder.bytes + 2, 0xa5);
  (row.*encoder.kernel)(input.data(), output.data() + 1, input.size());
  return output;
}

float float_of(std::uint32_t bits) { return std::bit_cast<float>(bits); }

// Numbers that rounding, overflow and special values turn on.
std::vector<float> hard_floats() {
  std::vector<float> values;
  for (const std::uint32_t sign : {0u, 0x8000'0000u})
    for (std::uint32_t exponent = 0; exponent < 256; ++exponent)
      for (const std::uint32_t fraction :
           {0x0u,       0x1u,       0xfffu,     0x1000u,    0x1001u,    0x3000u,    0x7fffu,    0x8000u,
            0x8001u,    0x18000u,   0x7ffffu,   0x80000u,   0x80001u,   0xfffffu,   0x10'0000u, 0x10'0001u,
            0x18'0000u, 0x20'0000u, 0x30'0000u, 0x3f'ffffu, 0x40'0000u, 0x5f'ffffu, 0x60'0000u, 0x68'0000u,
            0x68'0001u, 0x70'0000u, 0x7f'efffu, 0x7f'f000u, 0x7f'ffffu})
        values.push_back(float_of(sign | exponent << 23 | fraction));
  while (values.size() % 32 != 0) values.push_back(0.0f);
  return values;
}

std::vector<float> random_floats(std::mt19937_64& random, std::size_t n) {
  std::vector<float> values(n);
  for (float& value : values) value = float_of(static_cast<std::uint32_t>(random()));
  return values;
}

// Weights of a common scale for each block, with some of them special.
std::vector<float> random_weights(std::mt19937_64& random, std::size_t n) {
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; i += 32) {
    const int exponent = static_cast<int>(random() % 300) - 160;
    const bool is_coarse = random() % 2 == 0;
    const bool is_zero = random() % 16 == 0;
    for (std::size_t j = i; j < i + 32 && j < n; ++j) {
      const auto integer = static_cast<std::int64_t>(random() % 256) - 128;
      const auto fine = static_cast<std::int32_t>(static_cast<std::uint32_t>(random()));
      values[j] = is_zero     ? (random() % 2 == 0 ? 0.0f : -0.0f)
                  : is_coarse ? std::ldexp(static_cast<float>(integer), exponent)
                              : std::ldexp(static_cast<float>(fine), exponent - 31);
    }
  }
  return values;
}

// One special number somewhere in every block.
std::vector<float> spoiled_weights(std::mt19937_64& random, std::size_t n) {
  std::vector<float> values = random_weights(random, n);
  const std::vector<float> hard = hard_floats();
  for (std::size_t i = 0; i + 32 <= n; i += 32) values[i + random() % 32] = hard[random() % hard.size()];
  return values;
}

void check_encoders(const std::vector<float>& input) {
  for (const Kernels* row : supported())
    for (const Encoder& encoder : encoders) {
      CAPTURE(row->name);
      CAPTURE(encoder.name);
      CHECK(run(*row, encoder, input) == run(scalar_kernels, encoder, input));
    }
}

Bytes random_bytes(std::mt19937_64& random, std::size_t n) {
  Bytes bytes(n);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

}  // namespace

TEST_CASE("rows decode as the scalar row for every length") {
  std::mt19937_64 random(11);
  for (const Kernels* row : supported())
    for (const Decoder& decoder : decoders)
      for (std::size_t blocks = 0; blocks <= 4 * row->lanes + 1; ++blocks) {
        const Bytes input = random_bytes(random, blocks * decoder.bytes);
        CAPTURE(row->name);
        CAPTURE(decoder.name);
        CAPTURE(blocks);
        CHECK(run(*row, decoder, input) == run(scalar_kernels, decoder, input));
      }
}

TEST_CASE("rows encode as the scalar row for every length") {
  std::mt19937_64 random(12);
  for (const Kernels* row : supported())
    for (const Encoder& encoder : encoders)
      for (std::size_t blocks = 0; blocks <= 4 * row->lanes + 1; ++blocks) {
        CAPTURE(row->name);
        CAPTURE(encoder.name);
        CAPTURE(blocks);
        for (const auto& input :
             {random_floats(random, blocks * encoder.elements), random_weights(random, blocks * encoder.elements)})
          CHECK(run(*row, encoder, input) == run(scalar_kernels, encoder, input));
      }
}

TEST_CASE("rows decode every code of one and two bytes as the scalar row") {
  Bytes codes;
  for (unsigned code = 0; code < 0x1'0000; ++code) {
    codes.push_back(static_cast<std::uint8_t>(code));
    codes.push_back(static_cast<std::uint8_t>(code >> 8));
  }
  for (const Kernels* row : supported())
    for (const Decoder& decoder : decoders)
      if (decoder.bytes <= 2) {
        CAPTURE(row->name);
        CAPTURE(decoder.name);
        CHECK(run(*row, decoder, codes) == run(scalar_kernels, decoder, codes));
      }
}

TEST_CASE("rows decode blocks with every scale as the scalar row") {
  std::mt19937_64 random(13);
  for (const Decoder& decoder : decoders) {
    if (decoder.elements == 1)
      continue;
    Bytes input = random_bytes(random, 0x1'0000 * decoder.bytes);
    for (std::size_t scale = 0; scale < 0x1'0000; ++scale) {
      input[scale * decoder.bytes] = static_cast<std::uint8_t>(scale);
      input[scale * decoder.bytes + 1] = static_cast<std::uint8_t>(scale >> 8);
      input[scale * decoder.bytes + 2 + scale % (decoder.bytes - 2)] = 0x80;  // zero among the q4_0 weights
      input[scale * decoder.bytes + 2 + scale / 7 % (decoder.bytes - 2)] = 0;
    }
    for (const Kernels* row : supported()) {
      CAPTURE(row->name);
      CAPTURE(decoder.name);
      CHECK(run(*row, decoder, input) == run(scalar_kernels, decoder, input));
    }
  }
}

TEST_CASE("rows encode ties, infinities, NaN, subnormal and huge numbers as the scalar row") {
  check_encoders(hard_floats());
}

TEST_CASE("rows encode long runs of random numbers as the scalar row") {
  constexpr std::uint64_t seed = 20;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20; ++round) {
    check_encoders(random_floats(random, 1 << 15));
    check_encoders(random_weights(random, 1 << 15));
    check_encoders(spoiled_weights(random, 1 << 15));
  }
}

TEST_CASE("rows encode zero blocks, and blocks whose extremes differ in sign alone, as the scalar row") {
  std::vector<float> zeros(32 * 33, 0.0f);
  check_encoders(zeros);
  for (float& value : zeros) value = -0.0f;
  check_encoders(zeros);
  std::vector<float> ties;
  for (std::size_t block = 0; block < 32 * 32; ++block)
    for (std::size_t i = 0; i < 32; ++i)
      ties.push_back(i == block % 32 ? 3.0f : i == block / 32 ? -3.0f : 0.25f * static_cast<float>(i % 8));
  check_encoders(ties);
}

TEST_CASE("rows narrow binary64 around every rounding decision as the scalar row") {
  std::vector<double> values;
  for (const float value : hard_floats()) {
    const double wide = value;
    for (const double step : {0.0, 1.0, 0x1p-24, 0x1p-25, 0x1.000002p-25, 0x1p-52})
      for (const double sign : {1.0, -1.0}) values.push_back(wide * (1.0 + sign * step));
  }
  for (const double value : {0x1p-149, 0x1p-150, 0x1.8p-150, 0x1p-151, 0x1p-1074, 0x1.fffffep127, 0x1.ffffffp127,
                             0x1.fffffefffffffp127, 0x1p128, 1e300})
    for (const double sign : {1.0, -1.0}) values.push_back(sign * value);
  Bytes input(8 * values.size());
  std::memcpy(input.data(), values.data(), input.size());
  for (const std::uint64_t nan :
       {0x7ff0'0000'0000'0001u, 0xfff0'0000'2000'0000u, 0x7ff8'0000'0000'0000u, 0xffff'ffff'ffff'ffffu})
    for (int byte = 0; byte < 8; ++byte) input.push_back(static_cast<std::uint8_t>(nan >> (8 * byte)));
  for (const Kernels* row : supported())
    for (const Decoder& decoder : decoders)
      if (decoder.bytes == 8) {
        CAPTURE(row->name);
        CAPTURE(decoder.name);
        CHECK(run(*row, decoder, input) == run(scalar_kernels, decoder, input));
      }
}

TEST_CASE("largest_magnitude is the largest number without sign on every row, NaN above infinity") {
  std::vector<float> input = hard_floats();
  std::mt19937 random(11);
  std::shuffle(input.begin(), input.end(), random);
  for (std::size_t n = 0; n <= std::min<std::size_t>(input.size(), 130); ++n) {
    std::uint32_t expected = 0;
    for (std::size_t i = 0; i < n; ++i)
      expected = std::max(expected, std::bit_cast<std::uint32_t>(input[i]) & 0x7fff'ffffu);
    for (const Kernels* row : supported()) {
      CAPTURE(row->name);
      CAPTURE(n);
      CHECK(row->largest_magnitude(input.data(), n) == expected);
    }
  }
}
