// Every row's block kernels give the scalar row's bits and touch nothing but their blocks, whatever the input.
#include "blocks_support.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <random>
#include <vector>

namespace {

using heirloom::kernels::BlockKernels;
using heirloom::kernels::Kernels;
using heirloom::kernels::scalar_kernels;
using heirloom::kernels::test::Bytes;
using heirloom::kernels::test::decoded;
using heirloom::kernels::test::encoded;
using heirloom::kernels::test::Encoding;
using heirloom::kernels::test::encodings;
using heirloom::kernels::test::rows_with_own;
using heirloom::kernels::test::same_bits;

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
        for (const Kernels* row : rows_with_own(encoding, &BlockKernels::encode)) {
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
        for (const Kernels* row : rows_with_own(encoding, &BlockKernels::encode_weighted)) {
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
      for (const Kernels* row : rows_with_own(encoding, &BlockKernels::decode)) {
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
