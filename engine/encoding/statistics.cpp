#include "engine/encoding/statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace heirloom::encoding {
namespace {

constexpr std::size_t lanes = 8;  // partial sums, so that a compiler may use its vectors without changing the order

using Numbers = std::array<double, max_chunk_elements>;

void decode_numbers(const kernels::Kernels& kernels, const Codec& codec, const std::uint8_t* src, std::size_t n, Numbers& out) {
  if (codec.decode_f64 != nullptr) {
    codec.decode_f64(src, out.data(), n);
    return;
  }
  std::array<float, max_chunk_elements> narrow;
  codec.decode(kernels, src, narrow.data(), n);
  std::copy_n(narrow.begin(), n, out.begin());
}

double total(const std::array<double, lanes>& sums) {
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

// Of whole lanes; what is missing in the last ones is zero in both.
ErrorSums sum_chunk(const Numbers& source, const Numbers& encoded, std::uint64_t first, std::size_t n) {
  std::array<double, lanes> error{}, from{}, to{}, product{};
  for (std::size_t i = 0; i < n; i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const double x = source[i + lane], y = encoded[i + lane], difference = x - y;
      error[lane] += difference * difference;
      from[lane] += x * x;
      to[lane] += y * y;
      product[lane] += x * y;
    }
  ErrorSums sums{total(error), total(from), total(to), total(product), 0, first};
  for (std::size_t i = 0; i < n; ++i) {
    const double magnitude = std::abs(source[i] - encoded[i]);
    if (magnitude > sums.largest_error) {
      sums.largest_error = magnitude;
      sums.largest_error_index = first + i;
    }
  }
  return sums;
}

double ratio(double part, double whole) { return part == 0 && whole == 0 ? 0 : part / whole; }

}  // namespace

void ErrorSums::add(const ErrorSums& later) {
  error += later.error;
  source += later.source;
  encoded += later.encoded;
  product += later.product;
  if (later.largest_error > largest_error) {
    largest_error = later.largest_error;
    largest_error_index = later.largest_error_index;
  }
}

ErrorStatistics statistics_of(const ErrorSums& sums, std::uint64_t elements) {
  ErrorStatistics statistics;
  if (elements == 0)
    return statistics;
  statistics.rmse = std::sqrt(sums.error / static_cast<double>(elements));
  statistics.relative_rmse = std::sqrt(ratio(sums.error, sums.source));
  statistics.max_error = sums.largest_error;
  statistics.max_error_index = sums.largest_error_index;
  const bool is_all_zero = sums.source == 0 && sums.encoded == 0;
  statistics.cosine = is_all_zero ? 1 : ratio(sums.product, std::sqrt(sums.source) * std::sqrt(sums.encoded));
  return statistics;
}

void sum_errors(const kernels::Kernels& kernels, const Codec& from, const Codec& to, const std::uint8_t* source,
                const std::uint8_t* encoded, std::uint64_t first, std::size_t n, std::size_t chunk, std::span<ErrorSums> out) {
  Numbers before, after;
  for (std::size_t at = 0, i = 0; at < n; at += chunk, ++i) {
    const std::size_t count = std::min(chunk, n - at);
    const std::size_t padded = (count + lanes - 1) / lanes * lanes;
    decode_numbers(kernels, from, source + at / from.block_elements * from.block_bytes, count, before);
    decode_numbers(kernels, to, encoded + at / to.block_elements * to.block_bytes, count, after);
    std::fill(before.begin() + static_cast<std::ptrdiff_t>(count), before.begin() + static_cast<std::ptrdiff_t>(padded), 0.0);
    std::fill(after.begin() + static_cast<std::ptrdiff_t>(count), after.begin() + static_cast<std::ptrdiff_t>(padded), 0.0);
    out[i] = sum_chunk(before, after, first + at, count);
  }
}

}  // namespace heirloom::encoding
