// Well-known encodings: identifier and block geometry, one row each. Plugins translate their format's type codes to
// these ids; the engine's codecs (engine/encoding) decode and encode some of them. Sources: formats/facts/gguf.md#types,
// formats/facts/safetensors.md#dtypes.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace heirloom {

struct WellKnownEncoding {
  std::string_view id;
  std::uint32_t block_elements;
  std::uint32_t block_bytes;
};

inline constexpr std::array well_known_encodings = {
    WellKnownEncoding{"f32", 1, 4},        WellKnownEncoding{"f16", 1, 2},
    WellKnownEncoding{"bf16", 1, 2},       WellKnownEncoding{"f64", 1, 8},
    WellKnownEncoding{"i8", 1, 1},         WellKnownEncoding{"i16", 1, 2},
    WellKnownEncoding{"i32", 1, 4},        WellKnownEncoding{"i64", 1, 8},
    WellKnownEncoding{"u8", 1, 1},         WellKnownEncoding{"u16", 1, 2},
    WellKnownEncoding{"u32", 1, 4},        WellKnownEncoding{"u64", 1, 8},
    WellKnownEncoding{"bool", 1, 1},       WellKnownEncoding{"c64", 1, 8},
    WellKnownEncoding{"c128", 1, 16},      WellKnownEncoding{"f8_e4m3", 1, 1},
    WellKnownEncoding{"f8_e5m2", 1, 1},    WellKnownEncoding{"f8_e8m0", 1, 1},
    WellKnownEncoding{"f8_e4m3fnuz", 1, 1}, WellKnownEncoding{"f8_e5m2fnuz", 1, 1},
    WellKnownEncoding{"f6_e2m3", 4, 3},    WellKnownEncoding{"f6_e3m2", 4, 3},
    WellKnownEncoding{"f4", 2, 1},         WellKnownEncoding{"q4_0", 32, 18},
    WellKnownEncoding{"q4_1", 32, 20},     WellKnownEncoding{"q5_0", 32, 22},
    WellKnownEncoding{"q5_1", 32, 24},     WellKnownEncoding{"q8_0", 32, 34},
    WellKnownEncoding{"q8_1", 32, 36},     WellKnownEncoding{"q2_k", 256, 84},
    WellKnownEncoding{"q3_k", 256, 110},   WellKnownEncoding{"q4_k", 256, 144},
    WellKnownEncoding{"q5_k", 256, 176},   WellKnownEncoding{"q6_k", 256, 210},
    WellKnownEncoding{"q8_k", 256, 292},   WellKnownEncoding{"iq2_xxs", 256, 66},
    WellKnownEncoding{"iq2_xs", 256, 74},  WellKnownEncoding{"iq2_s", 256, 82},
    WellKnownEncoding{"iq3_xxs", 256, 98}, WellKnownEncoding{"iq3_s", 256, 110},
    WellKnownEncoding{"iq1_s", 256, 50},   WellKnownEncoding{"iq1_m", 256, 56},
    WellKnownEncoding{"iq4_nl", 32, 18},   WellKnownEncoding{"iq4_xs", 256, 136},
    WellKnownEncoding{"tq1_0", 256, 54},   WellKnownEncoding{"tq2_0", 256, 66},
    WellKnownEncoding{"mxfp4", 32, 17},    WellKnownEncoding{"nvfp4", 64, 36},
    WellKnownEncoding{"q1_0", 128, 18},    WellKnownEncoding{"q2_0", 64, 18},
};

// The row with this id, or null.
constexpr const WellKnownEncoding* find_well_known_encoding(std::string_view id) {
  for (const WellKnownEncoding& encoding : well_known_encodings)
    if (encoding.id == id)
      return &encoding;
  return nullptr;
}

}  // namespace heirloom
