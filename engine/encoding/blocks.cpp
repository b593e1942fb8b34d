#include "engine/encoding/blocks.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace heirloom::encoding {
namespace {

using kernels::Kernels;

constexpr std::size_t usual_run = 4096;  // whole blocks of every encoding
constexpr std::size_t weighted_run = 32768;
constexpr std::size_t most_rows = 8;

// No scale that is made of numbers up to this one overflows binary16, by a wide margin.
constexpr std::uint32_t safe_magnitude = 0x4580'0000;  // bits of 4096.0f
constexpr std::uint32_t infinite = 0x7f80'0000;

bool is_large(float number) noexcept { return std::bit_cast<std::uint32_t>(std::fabs(number)) > safe_magnitude; }

std::size_t first_not_finite(const float* numbers, std::size_t n) noexcept {
  return static_cast<std::size_t>(std::find_if(numbers, numbers + n, [](float x) { return !std::isfinite(x); }) - numbers);
}

// Index of the first of largest magnitude.
std::size_t largest_of_block(const float* numbers, std::size_t first, std::size_t elements) noexcept {
  const auto is_smaller = [](float a, float b) { return std::fabs(a) < std::fabs(b); };
  return static_cast<std::size_t>(std::max_element(numbers + first, numbers + first + elements, is_smaller) - numbers);
}

// The first block that comes back with a number that is not finite, or with zero for its largest number although that is
// a large one: its scales have overflowed on the way. n where there is none.
std::size_t first_spoilt_block(const float* numbers, const float* decoded, std::size_t n, std::size_t elements) noexcept {
  for (std::size_t first = 0; first < n; first += elements) {
    const std::size_t largest = largest_of_block(numbers, first, elements);
    const bool is_finite = std::all_of(decoded + first, decoded + first + elements, [](float x) { return std::isfinite(x); });
    if (!is_finite || (decoded[largest] == 0.0f && is_large(numbers[largest])))
      return first;
  }
  return n;
}

}  // namespace

std::size_t run_elements(std::size_t importance_columns, std::size_t n) {
  if (importance_columns == 0)
    return std::min(usual_run, n);
  return std::min(importance_columns * std::clamp<std::size_t>(weighted_run / importance_columns, 1, most_rows), n);
}

Encoded encode_blocks(const Kernels& kernels, const Codec& from, const Codec& to, const std::uint8_t* src,
                      std::uint8_t* dst, std::size_t n, std::span<const float> importance, std::uint8_t* scratch) noexcept {
  const std::size_t run = run_elements(importance.size(), n);
  auto* numbers = reinterpret_cast<float*>(scratch);
  float* decoded = numbers + run;
  for (std::size_t at = 0; at < n; at += run) {
    const std::size_t count = std::min(run, n - at);
    std::uint8_t* out = dst + at / to.block_elements * to.block_bytes;
    from.decode(kernels, src + at / from.block_elements * from.block_bytes, numbers, count);
    const std::uint32_t magnitude = kernels.largest_magnitude(numbers, count);
    if (magnitude >= infinite) {
      const std::size_t bad = first_not_finite(numbers, count);
      return {Fault::not_finite, at + bad, numbers[bad]};
    }
    if (importance.empty())
      to.encode(kernels, numbers, out, count);
    else
      to.encode_weighted(kernels, numbers, importance.data(), out, count / importance.size(), importance.size());
    if (magnitude <= safe_magnitude && importance.empty())
      continue;
    to.decode(kernels, out, decoded, count);
    if (magnitude <= safe_magnitude && kernels.largest_magnitude(decoded, count) < infinite)
      continue;
    const std::size_t spoilt = first_spoilt_block(numbers, decoded, count, to.block_elements);
    if (spoilt == count)
      continue;
    const std::size_t bad = largest_of_block(numbers, spoilt, to.block_elements);
    return {is_large(numbers[bad]) ? Fault::too_large : Fault::importance, at + bad, numbers[bad]};
  }
  return {};
}

}  // namespace heirloom::encoding
