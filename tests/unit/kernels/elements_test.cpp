// The scalar row against references that work another way: values from the definition of the format in long double, and
// the nearest of them found by search.
#include "engine/kernels/block.hpp"
#include "engine/kernels/kernels.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace {

using heirloom::kernels::Kernels;
using heirloom::kernels::scalar_kernels;

struct Format {
  const char* name;
  int fraction_bits;
  int bias;
  std::size_t bytes;
  unsigned finite_codes;  // codes below are finite, this one is what overflow gives
  bool has_infinity;
  void (*Kernels::*decode)(const std::uint8_t*, float*, std::size_t) noexcept;
  void (*Kernels::*encode)(const float*, std::uint8_t*, std::size_t) noexcept;
};

constexpr std::array formats{
    Format{"f16", 10, 15, 2, 0x7c00, true, &Kernels::f16_to_f32, &Kernels::f32_to_f16},
    Format{"bf16", 7, 127, 2, 0x7f80, true, &Kernels::bf16_to_f32, &Kernels::f32_to_bf16},
    Format{"f8_e5m2", 2, 15, 1, 0x7c, true, &Kernels::f8_e5m2_to_f32, &Kernels::f32_to_f8_e5m2},
    Format{"f8_e4m3", 3, 7, 1, 0x7f, false, &Kernels::f8_e4m3_to_f32, &Kernels::f32_to_f8_e4m3},
};

long double value_of(const Format& format, unsigned code) {
  const int exponent = static_cast<int>(code >> format.fraction_bits);
  const unsigned fraction = code & ((1u << format.fraction_bits) - 1);
  const unsigned significand = exponent == 0 ? fraction : fraction | 1u << format.fraction_bits;
  return std::ldexp(static_cast<long double>(significand), std::max(exponent, 1) - format.bias - format.fraction_bits);
}

// Values of all finite codes without sign, and of the code above them as if the format went on.
std::vector<long double> values_of(const Format& format) {
  std::vector<long double> values;
  for (unsigned code = 0; code <= format.finite_codes; ++code) values.push_back(value_of(format, code));
  return values;
}

unsigned sign_of(const Format& format) { return format.bytes == 2 ? 0x8000 : 0x80; }

// Nearest, ties to the even code.
unsigned nearest_code(const Format& format, const std::vector<long double>& values, double number) {
  const long double magnitude = std::fabs(static_cast<long double>(number));
  const unsigned sign = std::signbit(number) ? sign_of(format) : 0;
  if (magnitude >= values.back())
    return sign | format.finite_codes;
  const auto above = std::upper_bound(values.begin(), values.end(), magnitude);
  const auto low = static_cast<unsigned>(above - values.begin()) - 1;
  const long double middle = (values[low] + values[low + 1]) / 2;
  const bool goes_up = magnitude > middle || (magnitude == middle && low % 2 == 1);
  return sign | (low + (goes_up ? 1 : 0));
}

float decoded(const Format& format, unsigned code) {
  const std::array bytes{static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(code >> 8)};
  float value = 0;
  (scalar_kernels.*format.decode)(bytes.data(), &value, 1);
  return value;
}

unsigned encoded(const Format& format, float value) {
  std::array<std::uint8_t, 2> bytes{};
  (scalar_kernels.*format.encode)(&value, bytes.data(), 1);
  return bytes[0] | static_cast<unsigned>(bytes[1]) << 8;
}

float narrowed(void (*Kernels::*kernel)(const std::uint8_t*, float*, std::size_t) noexcept, double value) {
  const auto bytes = std::bit_cast<std::array<std::uint8_t, 8>>(value);
  float result = 0;
  (scalar_kernels.*kernel)(bytes.data(), &result, 1);
  return result;
}

std::uint32_t bits(float value) { return std::bit_cast<std::uint32_t>(value); }

}  // namespace

TEST_CASE("every finite code decodes to the value of its definition and encodes back to itself") {
  for (const Format& format : formats)
    for (unsigned code = 0; code < format.finite_codes; ++code)
      for (const unsigned sign : {0u, sign_of(format)}) {
        const float value = decoded(format, code | sign);
        const bool is_right = static_cast<long double>(std::fabs(value)) == value_of(format, code) &&
                              std::signbit(value) == (sign != 0) && encoded(format, value) == (code | sign);
        if (!is_right) {
          CAPTURE(format.name);
          CAPTURE(code);
          CHECK(is_right);
        }
      }
}

TEST_CASE("infinities and NaNs keep their sign, NaNs their payload's upper bits") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const Format& format : formats) {
    CAPTURE(format.name);
    const unsigned sign = sign_of(format);
    CHECK(encoded(format, infinity) == format.finite_codes);
    CHECK(encoded(format, -infinity) == (format.finite_codes | sign));
    CHECK(encoded(format, std::numeric_limits<float>::max()) == format.finite_codes);
    if (format.has_infinity) {
      CHECK(decoded(format, format.finite_codes) == infinity);
      CHECK(decoded(format, format.finite_codes | sign) == -infinity);
    }
    const unsigned first_nan = format.has_infinity ? format.finite_codes + 1 : format.finite_codes;
    for (unsigned code = first_nan; code < sign; ++code) {
      const unsigned quiet = format.has_infinity ? code | 1u << (format.fraction_bits - 1) : code;
      CHECK(std::isnan(decoded(format, code)));
      CHECK(encoded(format, decoded(format, code)) == quiet);
      CHECK(encoded(format, decoded(format, code | sign)) == (quiet | sign));
    }
  }
  CHECK(bits(decoded(formats[0], 0x7d01)) == 0x7fe0'2000);
  CHECK(bits(decoded(formats[1], 0xff81)) == 0xff81'0000);
  CHECK(encoded(formats[1], std::bit_cast<float>(0x7f80'0001)) == 0x7fc0);
}

TEST_CASE("binary64 narrows through round to odd to the nearest value, ties to even, around every decision") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const Format& format : formats) {
    const std::vector<long double> values = values_of(format);
    const auto check = [&](double number) {
      for (const double signed_number : {number, -number}) {
        const unsigned expected = nearest_code(format, values, signed_number);
        const bool is_right = encoded(format, narrowed(&Kernels::f64_to_f32_odd, signed_number)) == expected;
        const auto single = static_cast<float>(signed_number);
        const bool is_exact = static_cast<double>(single) == signed_number;
        if (!is_right || (is_exact && encoded(format, single) != expected)) {
          CAPTURE(format.name);
          CAPTURE(signed_number);
          CHECK(encoded(format, narrowed(&Kernels::f64_to_f32_odd, signed_number)) == expected);
          CHECK(encoded(format, single) == expected);
        }
      }
    };
    for (unsigned code = 0; code < format.finite_codes; ++code) {
      const auto low = static_cast<double>(values[code]);
      const auto high = static_cast<double>(values[code + 1]);
      const double middle = (low + high) / 2;
      for (const double number : {low, middle, high}) {
        check(number);
        check(std::nextafter(number, 0.0));
        check(std::nextafter(number, infinity));
        check(static_cast<double>(std::nextafter(static_cast<float>(number), 0.0f)));
        check(static_cast<double>(std::nextafter(static_cast<float>(number), 1e38f)));
      }
      for (const int bit : {-26, -30, -40, -50}) {
        check(middle * (1 + std::ldexp(1.0, bit)));
        check(middle * (1 - std::ldexp(1.0, bit)));
      }
    }
    for (const double number : {0x1p-1074, 0x1p-1022, 1e-300, 0x1p-149, 0x1p-150, 0x1p127, 0x1.fffffep127,
                                0x1.ffffffp127, 0x1.fffffffffffffp127, 0x1p128, 1e300})
      check(number);
  }
}

TEST_CASE("random binary32 numbers narrow to the nearest value") {
  constexpr std::uint64_t seed = 31;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (const Format& format : formats) {
    const std::vector<long double> values = values_of(format);
    for (int i = 0; i < 200'000; ++i) {
      const auto number = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
      if (std::isnan(number))
        continue;
      const unsigned expected = nearest_code(format, values, static_cast<double>(number));
      if (encoded(format, number) != expected) {
        CAPTURE(format.name);
        CAPTURE(number);
        CHECK(encoded(format, number) == expected);
      }
    }
  }
}

TEST_CASE("binary64 narrows to binary32 to nearest and to odd") {
  std::mt19937_64 random(32);
  for (int i = 0; i < 200'000; ++i) {
    const float low = std::bit_cast<float>(static_cast<std::uint32_t>(random() % 0x7f7f'ffff));
    const float high = std::bit_cast<float>(bits(low) + 1);
    const double middle = (static_cast<double>(low) + static_cast<double>(high)) / 2;
    const float even = bits(low) % 2 == 0 ? low : high;
    const float odd = bits(low) % 2 == 0 ? high : low;
    const double below = std::nextafter(middle, 0.0);
    const double above = std::nextafter(middle, 1e300);
    const bool is_nearest =
        narrowed(&Kernels::f64_to_f32, middle) == even && narrowed(&Kernels::f64_to_f32, below) == low &&
        narrowed(&Kernels::f64_to_f32, -above) == -high && narrowed(&Kernels::f64_to_f32, high) == high;
    const bool is_odd =
        narrowed(&Kernels::f64_to_f32_odd, middle) == odd && narrowed(&Kernels::f64_to_f32_odd, below) == odd &&
        narrowed(&Kernels::f64_to_f32_odd, -above) == -odd && narrowed(&Kernels::f64_to_f32_odd, low) == low;
    if (!is_nearest || !is_odd) {
      CAPTURE(low);
      CHECK(is_nearest);
      CHECK(is_odd);
    }
  }
  CHECK(bits(narrowed(&Kernels::f64_to_f32_odd, 0x1p-1074)) == 1);
  CHECK(bits(narrowed(&Kernels::f64_to_f32_odd, -1e300)) == 0xff7f'ffff);
  CHECK(bits(narrowed(&Kernels::f64_to_f32_odd, -std::numeric_limits<double>::infinity())) == 0xff80'0000);
  CHECK(bits(narrowed(&Kernels::f64_to_f32_odd, -0.0)) == 0x8000'0000);
  CHECK(bits(narrowed(&Kernels::f64_to_f32, std::bit_cast<double>(0xfff0'0000'2000'0000u))) == 0xffc0'0001);
}

TEST_CASE("weights are rounded with ties away from zero, as roundf does") {
  const auto check = [](float value) {
    if (heirloom::kernels::rounded(value) != std::lround(value)) {
      CAPTURE(value);
      CHECK(heirloom::kernels::rounded(value) == std::lround(value));
    }
  };
  for (std::uint32_t code = 0; code < bits(128.0f); code += 977) {
    check(std::bit_cast<float>(code));
    check(-std::bit_cast<float>(code));
  }
  for (int half = -257; half <= 257; ++half) {
    const float value = static_cast<float>(half) / 2;
    check(value);
    check(std::nextafter(value, 1000.0f));
    check(std::nextafter(value, -1000.0f));
  }
}
