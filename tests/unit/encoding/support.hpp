// What the encoding tests share: bytes and encode/decode by id with every row of kernels.
#pragma once

#include "engine/encoding/codec.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace heirloom::encoding::test {

using Bytes = std::vector<std::uint8_t>;

inline const Codec& codec(std::string_view id) {
  const Codec* found = find_codec(id);
  REQUIRE_MESSAGE(found != nullptr, id);
  return *found;
}

template <class T>
Bytes bytes_of(const std::vector<T>& values) {
  Bytes bytes(values.size() * sizeof(T));
  if (!bytes.empty())
    std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

template <class T>
std::vector<T> values_of(const Bytes& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty())
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

inline Bytes encode(const kernels::Kernels& row, std::string_view id, const std::vector<float>& values) {
  const Codec& to = codec(id);
  Bytes bytes(values.size() / to.block_elements * to.block_bytes);
  to.encode(row, values.data(), bytes.data(), values.size());
  return bytes;
}

// Rows as long as the importance.
inline Bytes encode_weighted(const kernels::Kernels& row, std::string_view id, const std::vector<float>& values,
                             const std::vector<float>& importance) {
  const Codec& to = codec(id);
  Bytes bytes(values.size() / to.block_elements * to.block_bytes);
  to.encode_weighted(row, values.data(), importance.data(), bytes.data(), values.size() / importance.size(),
                     importance.size());
  return bytes;
}

inline std::vector<float> decode(const kernels::Kernels& row, std::string_view id, const Bytes& bytes) {
  const Codec& from = codec(id);
  std::vector<float> values(bytes.size() / from.block_bytes * from.block_elements);
  from.decode(row, bytes.data(), values.data(), values.size());
  return values;
}

inline Bytes converted(const kernels::Kernels& row, std::string_view from, std::string_view to, const Bytes& bytes) {
  const Codec& source = codec(from);
  const Codec& target = codec(to);
  REQUIRE(convertible(source, target));
  const std::size_t n = bytes.size() / source.block_bytes * source.block_elements;
  Bytes result(n / target.block_elements * target.block_bytes);
  std::vector<double> scratch(n);
  convert(row, source, target, bytes.data(), result.data(), n, reinterpret_cast<std::uint8_t*>(scratch.data()));
  return result;
}

}  // namespace heirloom::encoding::test
