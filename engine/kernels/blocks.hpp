// Block encodings as portable scalar code: what ggml's quantize_row_*_ref, quantize_* with importance and
// dequantize_row_* give, byte for byte (formats/facts/gguf.md#types). The order of operations inside a block is the
// reference's; blocks, and sub-blocks up to the scales they share, are independent of each other. All functions take
// whole blocks and allocate nothing; encode_weighted takes one row and one importance for each of its columns.
#pragma once

#include "engine/kernels/kernels.hpp"

namespace heirloom::kernels {

void encode_weighted_q4_0(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept;

void encode_q4_1(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void encode_weighted_q4_1(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept;
void decode_q4_1(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
void encode_q5_0(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void encode_weighted_q5_0(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept;
void decode_q5_0(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
void encode_q5_1(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void encode_weighted_q5_1(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept;
void decode_q5_1(const std::uint8_t* src, float* dst, std::size_t n) noexcept;

void encode_q2_k(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void encode_weighted_q2_k(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept;
void decode_q2_k(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
void encode_q3_k(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void encode_weighted_q3_k(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept;
void decode_q3_k(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
void encode_q4_k(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void encode_weighted_q4_k(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept;
void decode_q4_k(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
void encode_q5_k(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void encode_weighted_q5_k(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept;
void decode_q5_k(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
void encode_q6_k(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void encode_weighted_q6_k(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept;
void decode_q6_k(const std::uint8_t* src, float* dst, std::size_t n) noexcept;

void encode_iq4_nl(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void encode_weighted_iq4_nl(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept;
void decode_iq4_nl(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
void encode_iq4_xs(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void encode_weighted_iq4_xs(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept;
void decode_iq4_xs(const std::uint8_t* src, float* dst, std::size_t n) noexcept;

void encode_mxfp4(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void decode_mxfp4(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
void encode_nvfp4(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void decode_nvfp4(const std::uint8_t* src, float* dst, std::size_t n) noexcept;

void encode_tq1_0(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void decode_tq1_0(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
void encode_tq2_0(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void decode_tq2_0(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
void encode_q1_0(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void decode_q1_0(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
void encode_q2_0(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void decode_q2_0(const std::uint8_t* src, float* dst, std::size_t n) noexcept;

void encode_weighted_iq2_xxs(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept;
void decode_iq2_xxs(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
void encode_weighted_iq2_xs(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept;
void decode_iq2_xs(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
void encode_iq2_s(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void encode_weighted_iq2_s(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept;
void decode_iq2_s(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
void encode_iq3_xxs(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void encode_weighted_iq3_xxs(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept;
void decode_iq3_xxs(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
void encode_iq3_s(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void encode_weighted_iq3_s(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept;
void decode_iq3_s(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
void encode_weighted_iq1_s(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept;
void decode_iq1_s(const std::uint8_t* src, float* dst, std::size_t n) noexcept;
void encode_iq1_m(const float* src, std::uint8_t* dst, std::size_t n) noexcept;
void encode_weighted_iq1_m(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept;
void decode_iq1_m(const std::uint8_t* src, float* dst, std::size_t n) noexcept;

// A row after the other.
template <auto encode, std::size_t elements, std::size_t bytes>
static inline void each_row(const float* src, const float* importance, std::uint8_t* dst, std::size_t rows,
                            std::size_t n) noexcept {
  for (std::size_t row = 0; row < rows; ++row)
    encode(src + n * row, importance, dst + n / elements * bytes * row, n);
}

// What every row starts from; a row replaces what it does faster.
constexpr Blocks portable_blocks{
    .q4_1 = {encode_q4_1, each_row<encode_weighted_q4_1, 32, 20>, decode_q4_1},
    .q5_0 = {encode_q5_0, each_row<encode_weighted_q5_0, 32, 22>, decode_q5_0},
    .q5_1 = {encode_q5_1, each_row<encode_weighted_q5_1, 32, 24>, decode_q5_1},
    .q2_k = {encode_q2_k, each_row<encode_weighted_q2_k, 256, 84>, decode_q2_k},
    .q3_k = {encode_q3_k, each_row<encode_weighted_q3_k, 256, 110>, decode_q3_k},
    .q4_k = {encode_q4_k, each_row<encode_weighted_q4_k, 256, 144>, decode_q4_k},
    .q5_k = {encode_q5_k, each_row<encode_weighted_q5_k, 256, 176>, decode_q5_k},
    .q6_k = {encode_q6_k, each_row<encode_weighted_q6_k, 256, 210>, decode_q6_k},
    .iq4_nl = {encode_iq4_nl, each_row<encode_weighted_iq4_nl, 32, 18>, decode_iq4_nl},
    .iq4_xs = {encode_iq4_xs, each_row<encode_weighted_iq4_xs, 256, 136>, decode_iq4_xs},
    .mxfp4 = {encode_mxfp4, nullptr, decode_mxfp4},
    .nvfp4 = {encode_nvfp4, nullptr, decode_nvfp4},
    .tq1_0 = {encode_tq1_0, nullptr, decode_tq1_0},
    .tq2_0 = {encode_tq2_0, nullptr, decode_tq2_0},
    .q1_0 = {encode_q1_0, nullptr, decode_q1_0},
    .q2_0 = {encode_q2_0, nullptr, decode_q2_0},
    .iq2_xxs = {nullptr, each_row<encode_weighted_iq2_xxs, 256, 66>, decode_iq2_xxs},
    .iq2_xs = {nullptr, each_row<encode_weighted_iq2_xs, 256, 74>, decode_iq2_xs},
    .iq2_s = {encode_iq2_s, each_row<encode_weighted_iq2_s, 256, 82>, decode_iq2_s},
    .iq3_xxs = {encode_iq3_xxs, each_row<encode_weighted_iq3_xxs, 256, 98>, decode_iq3_xxs},
    .iq3_s = {encode_iq3_s, each_row<encode_weighted_iq3_s, 256, 110>, decode_iq3_s},
    .iq1_s = {nullptr, each_row<encode_weighted_iq1_s, 256, 50>, decode_iq1_s},
    .iq1_m = {encode_iq1_m, each_row<encode_weighted_iq1_m, 256, 56>, decode_iq1_m},
};

}  // namespace heirloom::kernels
