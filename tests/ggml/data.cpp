#include "tests/ggml/data.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace heirloom::test {
namespace {

double uniform(Random& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

int integer(Random& random, int low, int high) {
  return low + static_cast<int>(random() % static_cast<std::uint64_t>(high - low + 1));
}

// Near enough to a normal distribution, the same on every machine.
double bell(Random& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += uniform(random);
  return sum;
}

double power_of_two(Random& random, int low, int high) { return std::ldexp(1.0, integer(random, low, high)); }

template <class Make>
void each(std::span<float> row, Make make) {
  for (float& value : row) value = static_cast<float>(make());
}

void fill_bell(Random& random, std::span<float> row) {
  const double scale = std::exp(-6 * uniform(random));
  each(row, [&] { return scale * bell(random); });
}

void fill_heavy(Random& random, std::span<float> row) {
  const double scale = std::exp(-6 * uniform(random));
  each(row, [&] { return std::clamp(scale * std::tan(3.0 * (uniform(random) - 0.5)), -1e4, 1e4); });
}

void fill_sparse(Random& random, std::span<float> row) {
  const double density = power_of_two(random, -8, -1);
  each(row, [&] { return uniform(random) < density ? bell(random) : uniform(random) < 0.5 ? 0.0 : -0.0; });
}

void fill_constant(Random& random, std::span<float> row) {
  const double value = bell(random) * power_of_two(random, -20, 4);
  each(row, [&] { return value; });
}

void fill_two_values(Random& random, std::span<float> row) {
  const double one = bell(random), other = integer(random, 0, 1) == 0 ? -one : bell(random);
  each(row, [&] { return uniform(random) < 0.5 ? one : other; });
}

void fill_one_sided(Random& random, std::span<float> row) {
  const double sign = integer(random, 0, 1) == 0 ? 1 : -1;
  const double offset = integer(random, 0, 1) == 0 ? 0.0 : power_of_two(random, 0, 12);
  each(row, [&] { return sign * (offset + std::abs(bell(random))); });
}

void fill_outliers(Random& random, std::span<float> row) {
  each(row, [&] { return random() % 61 == 0 ? bell(random) * power_of_two(random, 3, 14) : bell(random); });
}

// The encoders take a group for zero below thresholds between 1e-7 and 1e-15.
void fill_tiny(Random& random, std::span<float> row) {
  constexpr std::array thresholds{1e-7, 1e-8, 1e-12, 1e-15, 1e-20, 1e-30};
  const double threshold = thresholds[random() % thresholds.size()];
  each(row, [&] { return threshold * (uniform(random) < 0.3 ? 1.0 : 1.0 + 4 * uniform(random)) * bell(random) / 6; });
}

void fill_at_threshold(Random& random, std::span<float> row) {
  constexpr std::array thresholds{1e-7f, 1e-8f, 1e-12f, 1e-15f};
  for (std::size_t i = 0; i < row.size(); i += 16) {
    const float threshold = thresholds[random() % thresholds.size()];
    const auto bits = std::bit_cast<std::uint32_t>(threshold) + static_cast<std::uint32_t>(integer(random, -2, 2));
    for (float& value : row.subspan(i, std::min<std::size_t>(16, row.size() - i)))
      value = random() % 8 == 0 ? std::bit_cast<float>(bits) : threshold * static_cast<float>(uniform(random) - 0.5);
  }
}

void fill_denormal(Random& random, std::span<float> row) {
  each(row, [&] { return bell(random) * power_of_two(random, -149, -124); });
}

void fill_huge(Random& random, std::span<float> row) {
  const double scale = power_of_two(random, 4, 100);
  each(row, [&] { return scale * bell(random); });
}

void fill_wide(Random& random, std::span<float> row) {
  each(row, [&] { return (uniform(random) - 0.5) * power_of_two(random, -60, 20); });
}

// Halves between the steps of a scale, and a breath beside them.
void fill_ties(Random& random, std::span<float> row) {
  const int top = integer(random, 1, 130);
  const double step = uniform(random) < 0.5 ? power_of_two(random, -8, 2) : uniform(random);
  for (float& value : row) {
    const auto tie = static_cast<float>(step * (integer(random, -top, top) + 0.5));
    const auto bits = std::bit_cast<std::uint32_t>(tie) + static_cast<std::uint32_t>(integer(random, -1, 1));
    value = random() % 3 == 0 ? std::bit_cast<float>(bits) : tie;
  }
}

void fill_integers(Random& random, std::span<float> row) {
  const int top = integer(random, 1, 200);
  each(row, [&] { return integer(random, -top, top); });
}

void fill_bf16(Random& random, std::span<float> row) {
  fill_bell(random, row);
  for (float& value : row) value = std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & 0xffff'0000);
}

void fill_half_zero(Random& random, std::span<float> row) {
  fill_bell(random, row);
  const std::size_t half = row.size() / 2;
  const auto part = integer(random, 0, 1) == 0 ? row.first(half) : row.subspan(half);
  std::fill(part.begin(), part.end(), 0.0f);
}

// Groups of 16 that differ much in size, some of them zero.
void fill_uneven(Random& random, std::span<float> row) {
  double scale = 1;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i % 16 == 0)
      scale = random() % 5 == 0 ? 0.0 : power_of_two(random, -24, 6);
    row[i] = static_cast<float>(scale * bell(random));
  }
}

void fill_zero(Random& random, std::span<float> row) {
  each(row, [&] { return integer(random, 0, 1) == 0 ? 0.0 : -0.0; });
}

constexpr std::array weights{
    Distribution{"bell", fill_bell},
    Distribution{"heavy tail", fill_heavy},
    Distribution{"sparse", fill_sparse},
    Distribution{"constant", fill_constant},
    Distribution{"two values", fill_two_values},
    Distribution{"one sign", fill_one_sided},
    Distribution{"outliers", fill_outliers},
    Distribution{"tiny", fill_tiny},
    Distribution{"at a threshold", fill_at_threshold},
    Distribution{"denormal", fill_denormal},
    Distribution{"huge", fill_huge},
    Distribution{"wide", fill_wide},
    Distribution{"near ties", fill_ties},
    Distribution{"integers", fill_integers},
    Distribution{"bf16", fill_bf16},
    Distribution{"half zero", fill_half_zero},
    Distribution{"uneven", fill_uneven},
    Distribution{"zero", fill_zero},
};

// Mean squares of activations.
void fill_squares(Random& random, std::span<float> row) {
  const double scale = power_of_two(random, -12, 8);
  each(row, [&] { return scale * std::max(1e-6, std::pow(bell(random), 2)); });
}

void fill_wide_importance(Random& random, std::span<float> row) {
  each(row, [&] { return (uniform(random) + 1e-3) * power_of_two(random, -10, 14); });
}

void fill_ones(Random&, std::span<float> row) { std::fill(row.begin(), row.end(), 1.0f); }

// Channels that never carry anything, which real matrices have.
void fill_some_zero(Random& random, std::span<float> row) {
  fill_squares(random, row);
  for (float& value : row)
    if (random() % 9 == 0)
      value = 0.0f;
}

void fill_mostly_zero(Random& random, std::span<float> row) {
  const double scale = power_of_two(random, -6, 6);
  each(row, [&] { return random() % 40 == 0 ? scale * uniform(random) : 0.0; });
}

constexpr std::array importances{
    Distribution{"squares", fill_squares},
    Distribution{"wide", fill_wide_importance},
    Distribution{"ones", fill_ones},
    Distribution{"some zeros", fill_some_zero},
    Distribution{"most zeros", fill_mostly_zero},
};

}  // namespace

std::span<const Distribution> weight_distributions() { return weights; }
std::span<const Distribution> importance_distributions() { return importances; }

}  // namespace heirloom::test
