// What an encoding loses: sums over chunks of elements of one tensor, and the figures made of them. A chunk is summed in
// a fixed order, chunks are added in the tensor's order, so the figures do not depend on how the work was cut.
#pragma once

#include "engine/encoding/codec.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace heirloom::encoding {

struct ErrorSums {
  double error = 0;    // of squares
  double source = 0;   // of squares
  double encoded = 0;  // of squares
  double product = 0;
  double largest_error = 0;
  std::uint64_t largest_error_index = 0;

  // `later` comes behind in the tensor.
  void add(const ErrorSums& later);
};

struct ErrorStatistics {
  double rmse = 0;           // root of the mean squared error
  double relative_rmse = 0;  // rmse / root mean square of the source
  double max_error = 0;      // largest magnitude of an error, and the first element that has it
  std::uint64_t max_error_index = 0;
  double cosine = 1;         // of source and encoding as vectors
};
ErrorStatistics statistics_of(const ErrorSums& sums, std::uint64_t elements);

inline constexpr std::size_t max_chunk_elements = 256;

// Sums of the chunks of n elements whose first is number `first` of the tensor: n / chunk of them, rounded up. Source and
// encoded bytes are whole blocks; `chunk` is at most max_chunk_elements and whole blocks of both.
void sum_errors(const kernels::Kernels& kernels, const Codec& from, const Codec& to, const std::uint8_t* source,
                const std::uint8_t* encoded, std::uint64_t first, std::size_t n, std::size_t chunk, std::span<ErrorSums> out);

}  // namespace heirloom::encoding
