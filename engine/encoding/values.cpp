// Which encoding holds the values of which: a row of properties for each, one rule for all.
#include "engine/encoding/codec.hpp"

#include <algorithm>
#include <array>

namespace heirloom::encoding {
namespace {

enum Special : unsigned { none = 0, negative = 1, zero = 2, infinite = 4, nan = 8 };
constexpr unsigned ieee = negative | zero | infinite | nan;
constexpr unsigned finite_or_nan = negative | zero | nan;

// Every value is m * 2^place with place >= lowest_place, m odd and below 2^significand_bits, and its magnitude is below
// 2^end. -2^n of a signed integer is one bit times 2^n.
struct Values {
  std::string_view id;
  int significand_bits;
  int lowest_place;
  int end;
  unsigned specials;
  bool is_free;  // neighbours do not restrict each other: not a block
};

constexpr std::array table{
    Values{"f64", 53, -1074, 1024, ieee, true},
    Values{"f32", 24, -149, 128, ieee, true},
    Values{"f16", 11, -24, 16, ieee, true},
    Values{"bf16", 8, -133, 128, ieee, true},
    Values{"f8_e4m3", 4, -9, 9, finite_or_nan, true},
    Values{"f8_e5m2", 3, -16, 16, ieee, true},
    Values{"f8_e8m0", 1, -127, 128, nan, true},
    Values{"f8_e4m3fnuz", 4, -10, 8, finite_or_nan, true},
    Values{"f8_e5m2fnuz", 3, -17, 16, finite_or_nan, true},
    Values{"i8", 7, 0, 8, negative | zero, true},
    Values{"i16", 15, 0, 16, negative | zero, true},
    Values{"i32", 31, 0, 32, negative | zero, true},
    Values{"i64", 63, 0, 64, negative | zero, true},
    Values{"u8", 8, 0, 8, zero, true},
    Values{"u16", 16, 0, 16, zero, true},
    Values{"u32", 32, 0, 32, zero, true},
    Values{"u64", 64, 0, 64, zero, true},
    Values{"bool", 1, 0, 1, zero, true},
    Values{"q8_0", 18, -24, 23, ieee, false},  // binary16 * i8
    Values{"q4_0", 14, -24, 19, ieee, false},  // binary16 * four bits
    Values{"q5_0", 15, -24, 20, ieee, false},
    Values{"iq4_nl", 18, -24, 23, ieee, false},
    Values{"q3_k", 18, -24, 23, ieee, false},
    Values{"q6_k", 23, -24, 28, ieee, false},
    Values{"iq4_xs", 23, -24, 28, ieee, false},
    Values{"tq1_0", 11, -24, 16, ieee, false},
    Values{"tq2_0", 11, -24, 17, ieee, false},
    Values{"q1_0", 11, -24, 16, ieee, false},
    Values{"q2_0", 11, -24, 17, ieee, false},
    Values{"iq2_xxs", 22, -27, 24, ieee, false},
    Values{"iq2_xs", 22, -27, 24, ieee, false},
    Values{"iq2_s", 22, -27, 24, ieee, false},
    Values{"iq3_xxs", 21, -26, 25, ieee, false},
    Values{"iq3_s", 20, -24, 25, ieee, false},
    Values{"iq1_s", 19, -27, 21, ieee, false},
    Values{"iq1_m", 19, -27, 21, ieee, false},
    Values{"mxfp4", 2, -128, 128, negative | zero | infinite, false},
    Values{"nvfp4", 6, -10, 12, negative | zero, false},
    Values{"q4_1", 24, -149, 128, ieee, false},  // this and the rest: rounded to binary32
    Values{"q5_1", 24, -149, 128, ieee, false},
    Values{"q2_k", 24, -149, 128, ieee, false},
    Values{"q4_k", 24, -149, 128, ieee, false},
    Values{"q5_k", 24, -149, 128, ieee, false},
};

const Values* find_values(std::string_view id) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const Values& row) { return row.id == id; });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace

bool holds_all_values(std::string_view to, std::string_view from) {
  if (to == from)
    return true;
  const Values* outer = find_values(to);
  const Values* inner = find_values(from);
  return outer != nullptr && inner != nullptr && outer->is_free && inner->significand_bits <= outer->significand_bits &&
         inner->lowest_place >= outer->lowest_place && inner->end <= outer->end &&
         (inner->specials & ~outer->specials) == 0;
}

}  // namespace heirloom::encoding
