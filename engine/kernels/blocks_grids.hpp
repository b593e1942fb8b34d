// The grids of the iq1, iq2 and iq3 encodings: which combinations of levels a code stands for. Constant tables. An
// entry packs the levels of its weights, the first lowest: eight of two bits (iq1, iq2) or four of three (iq3).
//   iq1: level - 1;  iq2: 8, 25, 43;  iq3_xxs: 4, 12, 20, 28, 36, 44, 52, 62;  iq3_s: 2 * level + 1
#pragma once

#include <cstdint>

namespace heirloom::kernels {

extern const std::uint16_t iq2_xxs_grid[256];
extern const std::uint16_t iq2_xs_grid[512];
extern const std::uint16_t iq2_s_grid[1024];
extern const std::uint16_t iq3_xxs_grid[256];
extern const std::uint16_t iq3_s_grid[512];
extern const std::uint16_t iq1_grid[2048];

}  // namespace heirloom::kernels
