#include "types.hpp"

#include <algorithm>
#include <array>

namespace heirloom::gguf {

namespace {

// Position is the code; "" marks a removed one.
constexpr std::array<std::string_view, ggml_type_count> encoding_ids = {
    "f32",    "f16",   "q4_0",  "q4_1",  "",       "",       "q5_0",    "q5_1",    // 0
    "q8_0",   "q8_1",  "q2_k",  "q3_k",  "q4_k",   "q5_k",   "q6_k",    "q8_k",    // 8
    "iq2_xxs", "iq2_xs", "iq3_xxs", "iq1_s", "iq4_nl", "iq3_s", "iq2_s", "iq4_xs", // 16
    "i8",     "i16",   "i32",   "i64",   "f64",    "iq1_m",  "bf16",    "",        // 24
    "",       "",      "tq1_0", "tq2_0", "",       "",       "",        "mxfp4",   // 32
    "nvfp4",  "q1_0",  "q2_0",                                                     // 40
};

constexpr bool all_are_well_known() {
  for (const std::string_view id : encoding_ids)
    if (!id.empty() && find_well_known_encoding(id) == nullptr)
      return false;
  return true;
}
static_assert(all_are_well_known());

}  // namespace

const WellKnownEncoding* encoding_of(std::uint32_t code) {
  return code < ggml_type_count ? find_well_known_encoding(encoding_ids[code]) : nullptr;
}

bool is_removed(std::uint32_t code) { return code < ggml_type_count && encoding_ids[code].empty(); }

std::optional<std::uint32_t> code_of(std::string_view encoding) {
  const auto found = std::find(encoding_ids.begin(), encoding_ids.end(), encoding);
  if (encoding.empty() || found == encoding_ids.end())
    return std::nullopt;
  return static_cast<std::uint32_t>(found - encoding_ids.begin());
}

}  // namespace heirloom::gguf
