#include "engine/run/value_operations.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace heirloom::run {
namespace {

constexpr std::size_t rounded_at_a_time = 1024;

void round_to_f16(const kernels::Kernels& kernels, std::span<float> numbers) {
  std::array<std::uint8_t, 2 * rounded_at_a_time> halves;
  for (std::size_t at = 0; at < numbers.size(); at += rounded_at_a_time) {
    const std::size_t count = std::min(rounded_at_a_time, numbers.size() - at);
    kernels.f32_to_f16(numbers.data() + at, halves.data(), count);
    kernels.f16_to_f32(halves.data(), numbers.data() + at, count);
  }
}

// exp of a binary32 number as llama.cpp's converter has it: PyTorch calls SLEEF's expf of at most 1 ULP, whose vectors fuse
// multiply and add (sleefsimdsp.c, xexpf: its reduction by ln 2 in two parts and its polynomial). A rounded exact exponential
// differs in the last bit of one number in ten.
float exponential(float x) {
  constexpr float log2_e = 1.442695040888963407359924681001892137426645954152985934135449406931f;
  constexpr float ln2_high = 0.693145751953125f, ln2_low = 1.428606765330187045e-06f;
  constexpr float factors[] = {0.00139304355252534151077271f, 0.00833336077630519866943359f, 0.0416664853692054748535156f,
                               0.166666671633720397949219f, 0.5f};
  constexpr float least = -104, largest = 100;
  if (x < least || x > largest)
    return x < 0 ? 0.0f : std::numeric_limits<float>::infinity();
  const float power = std::nearbyint(x * log2_e);
  const float rest = std::fma(power, -ln2_low, std::fma(power, -ln2_high, x));
  float sum = 0.000198527617612853646278381f;
  for (const float factor : factors)
    sum = std::fma(sum, rest, factor);
  sum = 1 + std::fma(rest * rest, sum, rest);
  return std::isnan(x) ? x : std::ldexp(sum, static_cast<int>(power));
}

}  // namespace

void apply(const arch::ValueOperation& operation, bool is_f16, const kernels::Kernels& kernels, std::span<float> numbers) {
  switch (operation.kind) {
    case arch::ValueKind::add:
      for (float& number : numbers)
        number = static_cast<float>(number + static_cast<float>(operation.operand));
      break;
    case arch::ValueKind::neg_exp:
      for (float& number : numbers)
        number = -exponential(number);
      break;
    case arch::ValueKind::neg_log:
      for (float& number : numbers)
        number = static_cast<float>(std::log(-static_cast<double>(number)));
      break;
  }
  if (is_f16)
    round_to_f16(kernels, numbers);
}

}  // namespace heirloom::run
