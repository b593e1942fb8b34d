// Encoding of iq2 and iq3 in portable code.
#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_grid_formats.hpp"

namespace heirloom::kernels {
namespace {

template <class Encoding>
void encode_portably(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_grid<Encoding, PortableSearch, encode_portably<Encoding>>(src, importance, dst, n);
}

}  // namespace

void encode_weighted_iq2_xxs(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_portably<Iq2Xxs>(src, importance, dst, n);
}
void encode_weighted_iq2_xs(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_portably<Iq2Xs>(src, importance, dst, n);
}
void encode_iq2_s(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_portably<Iq2S>(src, nullptr, dst, n);
}
void encode_weighted_iq2_s(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_portably<Iq2S>(src, importance, dst, n);
}
void encode_iq3_xxs(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_portably<Iq3Xxs>(src, nullptr, dst, n);
}
void encode_weighted_iq3_xxs(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_portably<Iq3Xxs>(src, importance, dst, n);
}
void encode_iq3_s(const float* src, std::uint8_t* dst, std::size_t n) noexcept {
  encode_portably<Iq3S>(src, nullptr, dst, n);
}
void encode_weighted_iq3_s(const float* src, const float* importance, std::uint8_t* dst, std::size_t n) noexcept {
  encode_portably<Iq3S>(src, importance, dst, n);
}

}  // namespace heirloom::kernels
