// NumPy's data types and the encodings they stand for (formats/facts/numpy.md#types). Rows live for ever.
#pragma once

#include "heirloom/encodings.hpp"

#include <array>
#include <string_view>

namespace heirloom::numpy {

struct Dtype {
  std::string_view code;      // kind and bytes, as they follow the byte order: "f4"
  std::string_view encoding;  // id in heirloom/encodings.hpp
  bool is_written = true;

  const WellKnownEncoding& geometry() const { return *find_well_known_encoding(encoding); }
};

// V2 is two bytes of anything; JAX and MLX save bfloat16 so, and read it back as that.
inline constexpr std::string_view bfloat16_code = "V2";
inline constexpr std::array dtypes = {
    Dtype{"f4", "f32"}, Dtype{"f2", "f16"}, Dtype{"f8", "f64"}, Dtype{bfloat16_code, "bf16"},
    Dtype{"i1", "i8"},  Dtype{"i2", "i16"}, Dtype{"i4", "i32"}, Dtype{"i8", "i64"},
    Dtype{"u1", "u8"},  Dtype{"u2", "u16"}, Dtype{"u4", "u32"}, Dtype{"u8", "u64"},
    Dtype{"b1", "bool"}, Dtype{"c8", "c64"}, Dtype{"c16", "c128"},
    // ml_dtypes registers these by name; they have no byte order.
    Dtype{"bfloat16", "bf16", false},           Dtype{"float8_e4m3fn", "f8_e4m3", false},
    Dtype{"float8_e5m2", "f8_e5m2", false},     Dtype{"float8_e4m3fnuz", "f8_e4m3fnuz", false},
    Dtype{"float8_e5m2fnuz", "f8_e5m2fnuz", false}, Dtype{"float8_e8m0fnu", "f8_e8m0", false},
};

constexpr const Dtype* find_dtype(std::string_view code) {
  for (const Dtype& dtype : dtypes)
    if (dtype.code == code)
      return &dtype;
  return nullptr;
}

constexpr const Dtype* dtype_of_encoding(std::string_view encoding) {
  for (const Dtype& dtype : dtypes)
    if (dtype.is_written && dtype.encoding == encoding)
      return &dtype;
  return nullptr;
}

}  // namespace heirloom::numpy
