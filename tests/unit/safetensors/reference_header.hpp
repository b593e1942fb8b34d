// A header of the format's reference library: tensors of every dtype, of shapes with nothing and one element, and with
// names that need escapes. `reference_header` is what its serialize() writes for them, whatever order they come in.
#pragma once

namespace heirloom::test {

inline constexpr char reference_header[] =
    R"h({"__metadata__":{"format":"pt"},)h"
    R"h("t.U64":{"dtype":"U64","shape":[2,2],"data_offsets":[0,32]},)h"
    R"h("t.I64":{"dtype":"I64","shape":[2,2],"data_offsets":[32,64]},)h"
    R"h("t.F64":{"dtype":"F64","shape":[2,2],"data_offsets":[64,96]},)h"
    R"h("t.C64":{"dtype":"C64","shape":[2,2],"data_offsets":[96,128]},)h"
    R"h("empty":{"dtype":"F32","shape":[3,0],"data_offsets":[128,128]},)h"
    R"h("scalar":{"dtype":"F32","shape":[],"data_offsets":[128,132]},)h"
    R"h("t.F32":{"dtype":"F32","shape":[2,2],"data_offsets":[132,148]},)h"
    R"h("t.U32":{"dtype":"U32","shape":[2,2],"data_offsets":[148,164]},)h"
    R"h("t.I32":{"dtype":"I32","shape":[2,2],"data_offsets":[164,180]},)h"
    R"h("t.BF16":{"dtype":"BF16","shape":[2,2],"data_offsets":[180,188]},)h"
    R"h("t.F16":{"dtype":"F16","shape":[2,2],"data_offsets":[188,196]},)h"
    R"h("t.U16":{"dtype":"U16","shape":[2,2],"data_offsets":[196,204]},)h"
    R"h("t.I16":{"dtype":"I16","shape":[2,2],"data_offsets":[204,212]},)h"
    R"h("t.F8_E5M2FNUZ":{"dtype":"F8_E5M2FNUZ","shape":[2,2],"data_offsets":[212,216]},)h"
    R"h("t.F8_E4M3FNUZ":{"dtype":"F8_E4M3FNUZ","shape":[2,2],"data_offsets":[216,220]},)h"
    R"h("t.F8_E8M0":{"dtype":"F8_E8M0","shape":[2,2],"data_offsets":[220,224]},)h"
    R"h("t.F8_E4M3":{"dtype":"F8_E4M3","shape":[2,2],"data_offsets":[224,228]},)h"
    R"h("t.F8_E5M2":{"dtype":"F8_E5M2","shape":[2,2],"data_offsets":[228,232]},)h"
    R"h("t.I8":{"dtype":"I8","shape":[2,2],"data_offsets":[232,236]},)h"
    R"h("":{"dtype":"U8","shape":[1],"data_offsets":[236,237]},)h"
    R"h("\u0001\u001f)h" "\x7f" R"h(":{"dtype":"U8","shape":[1],"data_offsets":[237,238]},)h"
    R"h("A":{"dtype":"U8","shape":[1],"data_offsets":[238,239]},)h"
    R"h("a":{"dtype":"U8","shape":[1],"data_offsets":[239,240]},)h"
    R"h("a \"quoted\" \\ name":{"dtype":"U8","shape":[1],"data_offsets":[240,241]},)h"
    R"h("t.U8":{"dtype":"U8","shape":[2,2],"data_offsets":[241,245]},)h"
    R"h("tab\there\b\n\f\r":{"dtype":"U8","shape":[1],"data_offsets":[245,246]},)h"
    R"h("é 世界 😀":{"dtype":"U8","shape":[1],"data_offsets":[246,247]},)h"
    R"h("t.F6_E3M2":{"dtype":"F6_E3M2","shape":[2,2],"data_offsets":[247,250]},)h"
    R"h("t.F6_E2M3":{"dtype":"F6_E2M3","shape":[2,2],"data_offsets":[250,253]},)h"
    R"h("t.F4":{"dtype":"F4","shape":[2,2],"data_offsets":[253,255]},)h"
    R"h("t.BOOL":{"dtype":"BOOL","shape":[2,2],"data_offsets":[255,259]}} )h";

}  // namespace heirloom::test
