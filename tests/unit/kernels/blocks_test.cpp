// Every row's block kernels give the scalar row's bits and touch nothing but their blocks, whatever the input.
#include "engine/kernels/kernels.hpp"

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

namespace {

using heirloom::kernels::BlockKernels;
using heirloom::kernels::Blocks;
using heirloom::kernels::Kernels;
using heirloom::kernels::scalar_kernels;
using heirloom::kernels::supported;
using Bytes = std::vector<std::uint8_t>;

struct Encoding {
  const char* name;
  BlockKernels Blocks::*kernels;
  std::size_t elements;
  std::size_t bytes;
};

constexpr std::array encodings{
    Encoding{"q4_1", &Blocks::q4_1, 32, 20},        Encoding{"q5_0", &Blocks::q5_0, 32, 22},
    Encoding{"q5_1", &Blocks::q5_1, 32, 24},        Encoding{"q2_k", &Blocks::q2_k, 256, 84},
    Encoding{"q3_k", &Blocks::q3_k, 256, 110},      Encoding{"q4_k", &Blocks::q4_k, 256, 144},
    Encoding{"q5_k", &Blocks::q5_k, 256, 176},      Encoding{"q6_k", &Blocks::q6_k, 256, 210},
    Encoding{"iq4_nl", &Blocks::iq4_nl, 32, 18},    Encoding{"iq4_xs", &Blocks::iq4_xs, 256, 136},
    Encoding{"mxfp4", &Blocks::mxfp4, 32, 17},      Encoding{"nvfp4", &Blocks::nvfp4, 64, 36},
    Encoding{"tq1_0", &Blocks::tq1_0, 256, 54},     Encoding{"tq2_0", &Blocks::tq2_0, 256, 66},
    Encoding{"q1_0", &Blocks::q1_0, 128, 18},       Encoding{"q2_0", &Blocks::q2_0, 64, 18},
    Encoding{"iq2_xxs", &Blocks::iq2_xxs, 256, 66}, Encoding{"iq2_xs", &Blocks::iq2_xs, 256, 74},
    Encoding{"iq2_s", &Blocks::iq2_s, 256, 82},     Encoding{"iq3_xxs", &Blocks::iq3_xxs, 256, 98},
    Encoding{"iq3_s", &Blocks::iq3_s, 256, 110},    Encoding{"iq1_s", &Blocks::iq1_s, 256, 50},
    Encoding{"iq1_m", &Blocks::iq1_m, 256, 56},
};

// The results lie at an odd address with a guard of one byte on both sides, in vectors of the exact size, so that a
// sanitizer sees every byte too far.
Bytes encoded(const Kernels& row, const Encoding& encoding, const std::vector<float>& input) {
  Bytes output(input.size() / encoding.elements * encoding.bytes + 2, 0xa5);
  (row.blocks.*encoding.kernels).encode(input.data(), output.data() + 1, input.size());
  CHECK(output.front() == 0xa5);
  CHECK(output.back() == 0xa5);
  return output;
}

Bytes encoded(const Kernels& row, const Encoding& encoding, const std::vector<float>& input,
              const std::vector<float>& importance) {
  Bytes output(input.size() / encoding.elements * encoding.bytes + 2, 0xa5);
  (row.blocks.*encoding.kernels).encode_weighted(input.data(), importance.data(), output.data() + 1, 1, input.size());
  CHECK(output.front() == 0xa5);
  CHECK(output.back() == 0xa5);
  return output;
}

std::vector<float> decoded(const Kernels& row, const Encoding& encoding, const Bytes& blocks) {
  std::vector<float> output(blocks.size() / encoding.bytes * encoding.elements);
  Bytes shifted(1, 0);
  shifted.insert(shifted.end(), blocks.begin(), blocks.end());
  (row.blocks.*encoding.kernels).decode(shifted.data() + 1, output.data(), output.size());
  return output;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), 4 * a.size()) == 0);
}

using Generator = float (*)(std::mt19937_64& random);

// Common weights, any bits at all, and few values of which many are zero.
constexpr std::array<Generator, 4> generators{
    [](std::mt19937_64& random) { return static_cast<float>(random() % 65536) / 65536.0f - 0.5f; },
    [](std::mt19937_64& random) { return std::bit_cast<float>(static_cast<std::uint32_t>(random())); },
    [](std::mt19937_64& random) { return random() % 3 == 0 ? static_cast<float>(random() % 5) - 2.0f : 0.0f; },
    [](std::mt19937_64& random) {
      const float special[] = {0.0f,     -0.0f,     0x1p-149f, -0x1p-127f, 0x1.fffffep127f,
                               INFINITY, -INFINITY, NAN,       1.0f,       -1.0f};
      return special[random() % std::size(special)];
    }};

std::vector<float> numbers(std::mt19937_64& random, Generator generator, std::size_t n) {
  std::vector<float> values(n);
  for (float& value : values) value = generator(random);
  return values;
}

}  // namespace

TEST_CASE("rows encode blocks as the scalar row for every number of blocks and any numbers") {
  std::mt19937_64 random(31);
  for (const Encoding& encoding : encodings)
    for (std::size_t blocks = 0; blocks <= 17; ++blocks)
      for (const Generator generator : generators) {
        if ((scalar_kernels.blocks.*encoding.kernels).encode == nullptr)
          continue;
        const std::vector<float> input = numbers(random, generator, blocks * encoding.elements);
        const Bytes expected = encoded(scalar_kernels, encoding, input);
        for (const Kernels* row : supported()) {
          CAPTURE(row->name);
          CAPTURE(encoding.name);
          CAPTURE(blocks);
          CHECK(encoded(*row, encoding, input) == expected);
        }
      }
}

TEST_CASE("rows encode blocks with an importance as the scalar row for every number of blocks and any numbers") {
  std::mt19937_64 random(32);
  for (const Encoding& encoding : encodings)
    for (std::size_t blocks = 0; blocks <= 9; ++blocks)
      for (const Generator generator : generators) {
        if ((scalar_kernels.blocks.*encoding.kernels).encode_weighted == nullptr)
          continue;
        const std::vector<float> input = numbers(random, generator, blocks * encoding.elements);
        std::vector<float> importance = numbers(random, generators[0], input.size());
        for (float& value : importance) value += 0.625f;
        const Bytes expected = encoded(scalar_kernels, encoding, input, importance);
        for (const Kernels* row : supported()) {
          CAPTURE(row->name);
          CAPTURE(encoding.name);
          CAPTURE(blocks);
          CHECK(encoded(*row, encoding, input, importance) == expected);
        }
      }
}

TEST_CASE("rows decode arbitrary blocks as the scalar row for every number of blocks") {
  std::mt19937_64 random(33);
  for (const Encoding& encoding : encodings)
    for (std::size_t blocks = 0; blocks <= 33; ++blocks) {
      Bytes input(blocks * encoding.bytes);
      for (std::uint8_t& byte : input) byte = static_cast<std::uint8_t>(random());
      const std::vector<float> expected = decoded(scalar_kernels, encoding, input);
      for (const Kernels* row : supported()) {
        CAPTURE(row->name);
        CAPTURE(encoding.name);
        CAPTURE(blocks);
        CHECK(same_bits(decoded(*row, encoding, input), expected));
      }
    }
}

TEST_CASE("zero weights come back as zero from every encoding, with and without importance") {
  for (const Encoding& encoding : encodings) {
    const BlockKernels& kernels = scalar_kernels.blocks.*encoding.kernels;
    if (kernels.encode == nullptr)
      continue;
    CAPTURE(encoding.name);
    const std::vector<float> zeros(2 * encoding.elements, 0.0f);
    const std::vector<float> importance(zeros.size(), 2.0f);
    Bytes plain(2 * encoding.bytes);
    kernels.encode(zeros.data(), plain.data(), zeros.size());
    for (const float value : decoded(scalar_kernels, encoding, plain)) CHECK(value == 0.0f);
    if (kernels.encode_weighted == nullptr)
      continue;
    Bytes weighted(2 * encoding.bytes);
    kernels.encode_weighted(zeros.data(), importance.data(), weighted.data(), 1, zeros.size());
    for (const float value : decoded(scalar_kernels, encoding, weighted)) CHECK(value == 0.0f);
  }
}
