// Arithmetic on numbers that come from files: every operation says when it does not fit.
#pragma once

#include "heirloom/result.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace heirloom::checked {

inline Result<std::uint64_t> add(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum))
    return fail(Code::malformed, std::to_string(a) + " + " + std::to_string(b) + " does not fit 64 bits");
  return sum;
}

inline Result<std::uint64_t> sub(std::uint64_t a, std::uint64_t b) {
  if (b > a)
    return fail(Code::malformed, std::to_string(a) + " - " + std::to_string(b) + " is negative");
  return a - b;
}

inline Result<std::uint64_t> mul(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product))
    return fail(Code::malformed, std::to_string(a) + " * " + std::to_string(b) + " does not fit 64 bits");
  return product;
}

// Number of elements of a shape; 1 for a scalar.
inline Result<std::uint64_t> product(std::span<const std::uint64_t> shape) {
  std::uint64_t count = 1;
  for (const std::uint64_t dimension : shape) {
    HEIRLOOM_TRY(count, mul(count, dimension));
  }
  return count;
}

// The smallest multiple of `alignment` (not 0) that is not below `value`.
inline Result<std::uint64_t> align_up(std::uint64_t value, std::uint64_t alignment) {
  const std::uint64_t rest = value % alignment;
  return rest == 0 ? Result<std::uint64_t>(value) : add(value, alignment - rest);
}

inline Result<std::uint32_t> to_u32(std::uint64_t value) {
  if (value > std::numeric_limits<std::uint32_t>::max())
    return fail(Code::malformed, std::to_string(value) + " does not fit 32 bits");
  return static_cast<std::uint32_t>(value);
}

// Bytes of a tensor: its elements in whole blocks. Formats whose blocks may not cross rows check that themselves.
inline Result<std::uint64_t> tensor_bytes(std::span<const std::uint64_t> shape, std::uint32_t block_elements,
                                          std::uint32_t block_bytes) {
  if (block_elements == 0 || block_bytes == 0)
    return fail(Code::malformed, "a block of no elements or no bytes");
  HEIRLOOM_TRY(const std::uint64_t elements, product(shape));
  if (elements % block_elements != 0)
    return fail(Code::malformed, std::to_string(elements) + " elements are not whole blocks of " +
                                     std::to_string(block_elements));
  return mul(elements / block_elements, block_bytes);
}

}  // namespace heirloom::checked
