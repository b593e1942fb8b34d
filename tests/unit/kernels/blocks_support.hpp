// The block encodings as a table, and their kernels on vectors. For the tests of engine/kernels.
#pragma once

#include "engine/kernels/kernels.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <vector>

namespace heirloom::kernels::test {

using Bytes = std::vector<std::uint8_t>;

struct Encoding {
  const char* name;
  BlockKernels Blocks::*kernels;
  std::size_t elements;
  std::size_t bytes;
};

inline constexpr std::array encodings{
    Encoding{"q4_1", &Blocks::q4_1, 32, 20},        Encoding{"q5_0", &Blocks::q5_0, 32, 22},
    Encoding{"q5_1", &Blocks::q5_1, 32, 24},        Encoding{"q2_k", &Blocks::q2_k, 256, 84},
    Encoding{"q3_k", &Blocks::q3_k, 256, 110},      Encoding{"q4_k", &Blocks::q4_k, 256, 144},
    Encoding{"q5_k", &Blocks::q5_k, 256, 176},      Encoding{"q6_k", &Blocks::q6_k, 256, 210},
    Encoding{"iq4_nl", &Blocks::iq4_nl, 32, 18},    Encoding{"iq4_xs", &Blocks::iq4_xs, 256, 136},
    Encoding{"mxfp4", &Blocks::mxfp4, 32, 17},      Encoding{"nvfp4", &Blocks::nvfp4, 64, 36},
    Encoding{"tq1_0", &Blocks::tq1_0, 256, 54},     Encoding{"tq2_0", &Blocks::tq2_0, 256, 66},
    Encoding{"q1_0", &Blocks::q1_0, 128, 18},       Encoding{"q2_0", &Blocks::q2_0, 64, 18},
    Encoding{"iq2_xxs", &Blocks::iq2_xxs, 256, 66}, Encoding{"iq2_xs", &Blocks::iq2_xs, 256, 74},
    Encoding{"iq2_s", &Blocks::iq2_s, 256, 82},     Encoding{"iq3_xxs", &Blocks::iq3_xxs, 256, 98},
    Encoding{"iq3_s", &Blocks::iq3_s, 256, 110},    Encoding{"iq1_s", &Blocks::iq1_s, 256, 50},
    Encoding{"iq1_m", &Blocks::iq1_m, 256, 56},
};

// The results lie at an odd address with a guard of one byte on both sides, in vectors of the exact size, so that a
// sanitizer sees every byte too far.
inline Bytes encoded(const Kernels& row, const Encoding& encoding, const std::vector<float>& input) {
  Bytes output(input.size() / encoding.elements * encoding.bytes + 2, 0xa5);
  (row.blocks.*encoding.kernels).encode(input.data(), output.data() + 1, input.size());
  CHECK(output.front() == 0xa5);
  CHECK(output.back() == 0xa5);
  return output;
}

// As many rows as there are importances for.
inline Bytes encoded(const Kernels& row, const Encoding& encoding, const std::vector<float>& input,
                     const std::vector<float>& importance) {
  Bytes output(input.size() / encoding.elements * encoding.bytes + 2, 0xa5);
  const std::size_t rows = importance.empty() ? 0 : input.size() / importance.size();
  (row.blocks.*encoding.kernels)
      .encode_weighted(input.data(), importance.data(), output.data() + 1, rows, importance.size());
  CHECK(output.front() == 0xa5);
  CHECK(output.back() == 0xa5);
  return output;
}

inline std::vector<float> decoded(const Kernels& row, const Encoding& encoding, const Bytes& blocks) {
  std::vector<float> output(blocks.size() / encoding.bytes * encoding.elements);
  Bytes shifted(1, 0);
  shifted.insert(shifted.end(), blocks.begin(), blocks.end());
  (row.blocks.*encoding.kernels).decode(shifted.data() + 1, output.data(), output.size());
  return output;
}

// The rows whose kernel is not the scalar row's own, which needs no comparison with itself.
template <class Kernel>
std::vector<const Kernels*> rows_with_own(const Encoding& encoding, Kernel BlockKernels::*kernel) {
  std::vector<const Kernels*> rows;
  for (const Kernels* row : supported())
    if (row->blocks.*encoding.kernels.*kernel != scalar_kernels.blocks.*encoding.kernels.*kernel)
      rows.push_back(row);
  return rows;
}

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), 4 * a.size()) == 0);
}

}  // namespace heirloom::kernels::test
