#include "engine/run/value_operations.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

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

}  // namespace

void apply(const arch::ValueOperation& operation, bool is_f16, const kernels::Kernels& kernels, std::span<float> numbers) {
  switch (operation.kind) {
    case arch::ValueKind::add:
      for (float& number : numbers)
        number = static_cast<float>(number + static_cast<float>(operation.operand));
      break;
    case arch::ValueKind::neg_exp:
      for (float& number : numbers)
        number = static_cast<float>(-std::exp(static_cast<double>(number)));
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
