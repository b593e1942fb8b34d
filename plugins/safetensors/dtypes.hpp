// The dtypes of safetensors and the encodings they stand for (formats/facts/safetensors.md#dtypes). A Dtype is a row of
// the table below; pointers to rows stay valid for ever and compare in the order of the format's own enumeration.
#pragma once

#include "heirloom/encodings.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace heirloom::safetensors {

struct Dtype {
  std::string_view name;      // as the header says it
  std::string_view encoding;  // id in heirloom/encodings.hpp

  const WellKnownEncoding& geometry() const { return *find_well_known_encoding(encoding); }
};

// In the order of the format's enumeration, lowest first: writers sort by it (formats/facts/safetensors.md#order).
inline constexpr std::array dtypes = {
    Dtype{"BOOL", "bool"},
    Dtype{"F4", "f4"},
    Dtype{"F6_E2M3", "f6_e2m3"},
    Dtype{"F6_E3M2", "f6_e3m2"},
    Dtype{"U8", "u8"},
    Dtype{"I8", "i8"},
    Dtype{"F8_E5M2", "f8_e5m2"},
    Dtype{"F8_E4M3", "f8_e4m3"},
    Dtype{"F8_E8M0", "f8_e8m0"},
    Dtype{"F8_E4M3FNUZ", "f8_e4m3fnuz"},
    Dtype{"F8_E5M2FNUZ", "f8_e5m2fnuz"},
    Dtype{"I16", "i16"},
    Dtype{"U16", "u16"},
    Dtype{"F16", "f16"},
    Dtype{"BF16", "bf16"},
    Dtype{"I32", "i32"},
    Dtype{"U32", "u32"},
    Dtype{"F32", "f32"},
    Dtype{"C64", "c64"},
    Dtype{"F64", "f64"},
    Dtype{"I64", "i64"},
    Dtype{"U64", "u64"},
};
static_assert(std::ranges::all_of(dtypes, [](const Dtype& dtype) {
  return std::ranges::count(well_known_encodings, dtype.encoding, &WellKnownEncoding::id) == 1;
}));

// The row with this name, or null.
constexpr const Dtype* find_dtype(std::string_view name) {
  for (const Dtype& dtype : dtypes)
    if (dtype.name == name)
      return &dtype;
  return nullptr;
}

// The row that stands for this encoding, or null.
constexpr const Dtype* dtype_of_encoding(std::string_view encoding) {
  for (const Dtype& dtype : dtypes)
    if (dtype.encoding == encoding)
      return &dtype;
  return nullptr;
}

}  // namespace heirloom::safetensors
