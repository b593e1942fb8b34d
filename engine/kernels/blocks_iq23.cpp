// Encoding of iq2 and iq3 in portable code.
#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_grid_formats.hpp"

namespace heirloom::kernels {

void encode_weighted_iq2_xxs(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_grid<Iq2Xxs, PortableSearch>(src, importance, dst, n);
}
void encode_weighted_iq2_xs(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_grid<Iq2Xs, PortableSearch>(src, importance, dst, n);
}
void encode_iq2_s(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_grid<Iq2S, PortableSearch>(src, nullptr, dst, n);
}
void encode_weighted_iq2_s(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_grid<Iq2S, PortableSearch>(src, importance, dst, n);
}
void encode_iq3_xxs(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_grid<Iq3Xxs, PortableSearch>(src, nullptr, dst, n);
}
void encode_weighted_iq3_xxs(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_grid<Iq3Xxs, PortableSearch>(src, importance, dst, n);
}
void encode_iq3_s(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_grid<Iq3S, PortableSearch>(src, nullptr, dst, n);
}
void encode_weighted_iq3_s(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_grid<Iq3S, PortableSearch>(src, importance, dst, n);
}

}  // namespace heirloom::kernels
