// Rows give the scalar row's blocks for numbers on which decisions turn: ties and what lies just beside them, scales that
// overflow or vanish, and blocks with any bits.
#include "blocks_support.hpp"

#include <bit>
#include <cmath>
#include <functional>
#include <random>

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

using Random = std::mt19937_64;

float between(Random& random, float low, float high) {
  return low + (high - low) * (static_cast<float>(random() % 65536) / 65536.0f);
}

float common(Random& random) { return between(random, -1.0f, 1.0f) + between(random, -1.0f, 1.0f); }

// Fills one block of n numbers.
using Fill = void (*)(Random& random, float* x, std::size_t n);

struct Kind {
  const char* name;
  Fill fill;
};

template <class Number>
void fill_each(float* x, std::size_t n, Number number) {
  for (std::size_t i = 0; i < n; ++i) x[i] = number(i);
}

constexpr std::array kinds{
    Kind{"numbers of any size, alike within a block",
         [](Random& random, float* x, std::size_t n) {
           const int exponent = static_cast<int>(random() % 290) - 160;
           fill_each(x, n, [&](std::size_t) { return std::ldexp(common(random), exponent); });
         }},
    Kind{"few bits, so that ties are common",
         [](Random& random, float* x, std::size_t n) {
           fill_each(x, n, [&](std::size_t) { return std::round(common(random) * 16.0f) / 64.0f; });
         }},
    Kind{"halves up to 127, and 127",
         [](Random& random, float* x, std::size_t n) {
           const int exponent = static_cast<int>(random() % 8) - 4;
           fill_each(x, n, [&](std::size_t) { return std::ldexp(std::round(common(random) * 127.0f) / 2.0f, exponent); });
           for (std::size_t i = random() % 16; i < n; i += 32) x[i] = std::ldexp(random() % 2 == 0 ? 127.0f : -127.0f, exponent);
         }},
    // A first group of values alone makes the scale of the block exact, and so what lies between two values a tie.
    Kind{"iq4's values, here and there what lies between two of them",
         [](Random& random, float* x, std::size_t n) {
           constexpr float values[] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
           const int exponent = static_cast<int>(random() % 40) - 20;
           fill_each(x, n, [&](std::size_t i) {
             const std::size_t k = random() % 15;
             const float middle = (values[k] + values[k + 1]) / 2.0f;
             const float near[] = {values[k], std::nextafter(middle, 0.0f), middle, std::nextafter(middle, 1e9f)};
             const bool is_between = (n == 32 || i >= 32) && random() % 12 == 0;
             return std::ldexp(i % 32 == 0 ? 127.0f : -near[is_between ? 1 + random() % 3 : 0], exponent);
           });
         }},
    Kind{"numbers with both extremes",
         [](Random& random, float* x, std::size_t n) {
           fill_each(x, n, [&](std::size_t) { return common(random); });
           for (std::size_t i = 0; i < n; i += 16) {
             x[i + random() % 16] = -2.5f;
             x[i + random() % 16] = 2.5f;
           }
         }},
    Kind{"no negative number, zeros of both signs",
         [](Random& random, float* x, std::size_t n) {
           fill_each(x, n, [&](std::size_t) { return random() % 4 == 0 ? 0.0f : random() % 4 == 0 ? -0.0f : std::fabs(common(random)); });
         }},
    Kind{"one number over and over",
         [](Random& random, float* x, std::size_t n) {
           const float number = common(random);
           fill_each(x, n, [&](std::size_t) { return number; });
         }},
    Kind{"far from zero, close together",
         [](Random& random, float* x, std::size_t n) {
           const float base = common(random) * 1000.0f;
           fill_each(x, n, [&](std::size_t) { return base + common(random) * 1e-3f; });
         }},
    Kind{"subnormal numbers",
         [](Random& random, float* x, std::size_t n) {
           fill_each(x, n, [&](std::size_t) { return std::ldexp(common(random), -127 - static_cast<int>(random() % 20)); });
         }},
    Kind{"numbers of every size",
         [](Random& random, float* x, std::size_t n) {
           fill_each(x, n, [&](std::size_t) { return std::ldexp(common(random), static_cast<int>(random() % 60) - 40); });
         }},
    Kind{"one number that is none",
         [](Random& random, float* x, std::size_t n) {
           constexpr float specials[] = {NAN, -NAN, INFINITY, -INFINITY, 0x1.fffffep127f, -0x1p-149f};
           fill_each(x, n, [&](std::size_t) { return common(random); });
           x[random() % 2 == 0 ? n - 1 : random() % n] = specials[random() % std::size(specials)];
         }},
};

std::vector<float> blocks_of(Random& random, const Kind& kind, std::size_t elements, std::size_t blocks) {
  std::vector<float> numbers(elements * blocks);
  for (std::size_t b = 0; b < blocks; ++b) kind.fill(random, numbers.data() + elements * b, elements);
  return numbers;
}

const Encoding& encoding_named(std::string_view name) {
  for (const Encoding& encoding : encodings)
    if (name == encoding.name)
      return encoding;
  FAIL("no such encoding");
  return encodings[0];
}

void check_weighted(const Encoding& encoding, const std::vector<float>& input, const std::vector<float>& importance) {
  const Bytes expected = encoded(scalar_kernels, encoding, input, importance);
  for (const Kernels* row : rows_with_own(encoding, &BlockKernels::encode_weighted)) {
    CAPTURE(row->name);
    CAPTURE(encoding.name);
    CHECK(encoded(*row, encoding, input, importance) == expected);
  }
}

std::vector<float> importances(Random& random, std::size_t n) {
  std::vector<float> importance(n);
  for (float& value : importance) value = std::ldexp(between(random, 1.0f, 2.0f), static_cast<int>(random() % 12));
  return importance;
}

void check_encoding(const Encoding& encoding, const std::vector<float>& input) {
  const Bytes expected = encoded(scalar_kernels, encoding, input);
  for (const Kernels* row : rows_with_own(encoding, &BlockKernels::encode)) {
    CAPTURE(row->name);
    CAPTURE(encoding.name);
    CHECK(encoded(*row, encoding, input) == expected);
  }
}

// The number and its neighbours, with both signs.
void put_around(float number, std::vector<float>& out) {
  for (const float sign : {1.0f, -1.0f})
    for (const float value : {std::nextafter(number, 0.0f), number, std::nextafter(number, INFINITY)})
      out.push_back(sign * value);
}

// Groups of n numbers that begin with `largest` and go on with the candidates that are smaller.
void put_groups(float largest, const std::vector<float>& candidates, std::size_t n, std::vector<float>& out) {
  for (const float candidate : candidates) {
    if (std::fabs(candidate) > largest)
      continue;
    if (out.size() % n == 0)
      out.push_back(largest);
    out.push_back(candidate);
  }
  while (out.size() % n != 0) out.push_back(0.0f);
}

constexpr float fp4_midpoints[] = {0.5f, 1.5f, 2.5f, 3.5f, 5.0f, 7.0f, 10.0f};
constexpr float fp4_values[] = {1.0f, 2.0f, 3.0f, 4.0f, 6.0f, 8.0f, 12.0f};

std::vector<float> fp4_candidates(float scale) {
  std::vector<float> candidates{0.0f, -0.0f, 0x1p-149f, -0x1p-140f};
  for (const float midpoint : fp4_midpoints) put_around(midpoint * scale, candidates);
  for (const float value : fp4_values) put_around(value * scale, candidates);
  return candidates;
}

}  // namespace

TEST_CASE("rows encode hard numbers as the scalar row") {
  Random random(41);
  for (const Encoding& encoding : encodings)
    for (const Kind& kind : kinds) {
      if ((scalar_kernels.blocks.*encoding.kernels).encode == nullptr)
        continue;
      CAPTURE(kind.name);
      check_encoding(encoding, blocks_of(random, kind, encoding.elements, encoding.elements == 256 ? 19 : 67));
    }
}

TEST_CASE("rows encode rows of hard numbers with an importance as the scalar row") {
  Random random(42);
  for (const Encoding& encoding : encodings)
    for (const Kind& kind : kinds) {
      if ((scalar_kernels.blocks.*encoding.kernels).encode_weighted == nullptr)
        continue;
      const std::size_t columns = encoding.elements * (encoding.elements == 256 ? 3 : 11);
      const std::vector<float> input = blocks_of(random, kind, columns, 5);
      CAPTURE(kind.name);
      check_weighted(encoding, input, importances(random, columns));
    }
}

TEST_CASE("rows decode blocks with infinite, NaN and subnormal scales as the scalar row") {
  constexpr std::uint16_t halves[] = {0x7c00, 0xfc00, 0x7e01, 0xfd55, 0x0001, 0x83ff, 0x7bff, 0x8000};
  Random random(43);
  for (const Encoding& encoding : encodings) {
    Bytes input(encoding.bytes * encoding.bytes * std::size(halves));
    for (std::uint8_t& byte : input) byte = static_cast<std::uint8_t>(random());
    for (std::size_t block = 0; block < input.size() / encoding.bytes; ++block) {
      const std::size_t at = block / std::size(halves) % (encoding.bytes - 1);
      input[block * encoding.bytes + at] = static_cast<std::uint8_t>(halves[block % std::size(halves)]);
      input[block * encoding.bytes + at + 1] = static_cast<std::uint8_t>(halves[block % std::size(halves)] >> 8);
    }
    const std::vector<float> expected = decoded(scalar_kernels, encoding, input);
    for (const Kernels* row : rows_with_own(encoding, &BlockKernels::decode)) {
      CAPTURE(row->name);
      CAPTURE(encoding.name);
      CHECK(same_bits(decoded(*row, encoding, input), expected));
    }
  }
}

TEST_CASE("rows choose mxfp4's values next to every midpoint as the scalar row, under scales of every size") {
  std::vector<float> input;
  for (int exponent = -149; exponent <= 127; ++exponent)
    for (const std::uint32_t fraction : {0u, 0x40'0000u, 0x7f'0000u, 0x7f'feffu, 0x7f'ff00u, 0x7f'ffa0u, 0x7f'ffd8u,
                                         0x7f'fff6u, 0x7f'fffdu, 0x7f'ffffu}) {
      const float largest =
          std::ldexp(std::bit_cast<float>(0x3f80'0000u | fraction), exponent);
      put_groups(largest, fp4_candidates(std::ldexp(1.0f, exponent - 3)), 32, input);
    }
  check_encoding(encoding_named("mxfp4"), input);
}

TEST_CASE("rows choose nvfp4's values next to every midpoint as the scalar row, under every scale") {
  std::vector<float> input;
  for (int exponent = -12; exponent <= 10; ++exponent)
    for (int eighths = 8; eighths < 16; ++eighths)
      for (const float factor : {1.0f, 0.9375f, 0.97f, 1.03f}) {
        const float scale = std::ldexp(static_cast<float>(eighths), exponent - 4);
        put_groups(12.0f * scale * factor, fp4_candidates(scale), 16, input);
      }
  while (input.size() % 64 != 0) input.push_back(0.0f);
  check_encoding(encoding_named("nvfp4"), input);
}

TEST_CASE("rows choose iq4's values between two of them as the scalar row") {
  Random random(44);
  const Encoding& encoding = encoding_named("iq4_nl");
  const Kind& kind = kinds[3];
  REQUIRE(std::string_view(kind.name).starts_with("iq4's"));
  const std::vector<float> input = blocks_of(random, kind, 32, 4000);
  check_encoding(encoding, input);
  check_weighted(encoding, input, importances(random, input.size()));
}

TEST_CASE("rows choose ternary codes next to a half as the scalar row, under scales of every size") {
  for (const char* name : {"tq1_0", "tq2_0", "q2_0"}) {
    const Encoding& encoding = encoding_named(name);
    std::vector<float> input;
    for (int exponent = -130; exponent <= 126; ++exponent)
      for (const float fraction : {1.0f, 1.25f, 1.999f}) {
        const float largest = std::ldexp(fraction, exponent);
        std::vector<float> candidates{0.0f, -0.0f};
        put_around(largest / 2.0f, candidates);
        put_around(std::nextafter(std::nextafter(largest / 2.0f, INFINITY), INFINITY), candidates);
        put_groups(largest, candidates, encoding.elements, input);
      }
    check_encoding(encoding, input);
  }
}
