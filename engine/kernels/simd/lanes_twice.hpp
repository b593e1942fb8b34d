// Two vectors that act as one of twice the lanes: what a kernel does with it is two independent chains of operations,
// interleaved, which hide each other's latency. Same names as lanes_avx2.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heirloom::kernels {
namespace {

template <class V>
struct Twice {
  static constexpr std::size_t lanes = 2 * V::lanes;

  struct M {
    typename V::M a, b;
    M() = default;
    M(typename V::M x, typename V::M y) : a(x), b(y) {}
    M(const M& x) : a(x.a), b(x.b) {}
    M& operator=(const M& x) {
      a = x.a;
      b = x.b;
      return *this;
    }
    friend M operator&(M x, M y) { return {x.a & y.a, x.b & y.b}; }
    friend M operator|(M x, M y) { return {x.a | y.a, x.b | y.b}; }
    friend M operator^(M x, M y) { return {x.a ^ y.a, x.b ^ y.b}; }
  };
  struct F {
    typename V::F a, b;
    F() = default;
    F(typename V::F x, typename V::F y) : a(x), b(y) {}
    F(const F& x) : a(x.a), b(x.b) {}
    F& operator=(const F& x) {
      a = x.a;
      b = x.b;
      return *this;
    }
    friend F operator+(F x, F y) { return {x.a + y.a, x.b + y.b}; }
    friend F operator-(F x, F y) { return {x.a - y.a, x.b - y.b}; }
    friend F operator*(F x, F y) { return {x.a * y.a, x.b * y.b}; }
    friend F operator/(F x, F y) { return {x.a / y.a, x.b / y.b}; }
    friend M operator<(F x, F y) { return {x.a < y.a, x.b < y.b}; }
    friend M operator<=(F x, F y) { return {x.a <= y.a, x.b <= y.b}; }
    friend M operator>(F x, F y) { return {x.a > y.a, x.b > y.b}; }
    friend M operator>=(F x, F y) { return {x.a >= y.a, x.b >= y.b}; }
    friend M operator==(F x, F y) { return {x.a == y.a, x.b == y.b}; }
    friend M operator!=(F x, F y) { return {x.a != y.a, x.b != y.b}; }
  };
  struct I {
    typename V::I a, b;
    I() = default;
    I(typename V::I x, typename V::I y) : a(x), b(y) {}
    I(const I& x) : a(x.a), b(x.b) {}
    I& operator=(const I& x) {
      a = x.a;
      b = x.b;
      return *this;
    }
    friend I operator+(I x, I y) { return {x.a + y.a, x.b + y.b}; }
    friend I operator-(I x, I y) { return {x.a - y.a, x.b - y.b}; }
    friend I operator*(I x, I y) { return {x.a * y.a, x.b * y.b}; }
    friend I operator&(I x, I y) { return {x.a & y.a, x.b & y.b}; }
    friend I operator|(I x, I y) { return {x.a | y.a, x.b | y.b}; }
    friend I operator^(I x, I y) { return {x.a ^ y.a, x.b ^ y.b}; }
    friend M operator>(I x, I y) { return {x.a > y.a, x.b > y.b}; }
    friend M operator==(I x, I y) { return {x.a == y.a, x.b == y.b}; }
  };

  static F load(const float* p) { return {V::load(p), V::load(p + V::lanes)}; }
  static void store(float* p, F x) {
    V::store(p, x.a);
    V::store(p + V::lanes, x.b);
  }
  static F all(float value) { return {V::all(value), V::all(value)}; }
  static I load(const std::int32_t* p) { return {V::load(p), V::load(p + V::lanes)}; }
  static void store(std::int32_t* p, I x) {
    V::store(p, x.a);
    V::store(p + V::lanes, x.b);
  }
  static I all(std::int32_t value) { return {V::all(value), V::all(value)}; }
  static I load_u8(const std::uint8_t* p) { return {V::load_u8(p), V::load_u8(p + V::lanes)}; }
  static I load_i8(const std::uint8_t* p) { return {V::load_i8(p), V::load_i8(p + V::lanes)}; }
  static I load_u16(const std::uint16_t* p) { return {V::load_u16(p), V::load_u16(p + V::lanes)}; }
  static void store_u8(std::uint8_t* p, I x) { V::store_u8(p, x.a, x.b); }
  static void store_u8(std::uint8_t* p, I x, I y) {
    V::store_u8(p, x.a, x.b);
    V::store_u8(p + lanes, y.a, y.b);
  }
  static void store_i8(std::uint8_t* p, I x) { V::store_i8(p, x.a, x.b); }
  static void store_i8(std::uint8_t* p, I x, I y) {
    V::store_i8(p, x.a, x.b);
    V::store_i8(p + lanes, y.a, y.b);
  }
  static void store_u16(std::uint8_t* p, I x) {
    V::store_u16(p, x.a);
    V::store_u16(p + 2 * V::lanes, x.b);
  }
  static void store_f16(std::uint16_t* p, F x) {
    V::store_f16(p, x.a);
    V::store_f16(p + V::lanes, x.b);
  }
  static F load_f16(const std::uint16_t* p) { return {V::load_f16(p), V::load_f16(p + V::lanes)}; }
  static F all_f16(std::uint16_t half) { return {V::all_f16(half), V::all_f16(half)}; }

  static F min(F x, F y) { return {V::min(x.a, y.a), V::min(x.b, y.b)}; }
  static F max(F x, F y) { return {V::max(x.a, y.a), V::max(x.b, y.b)}; }
  static I min(I x, I y) { return {V::min(x.a, y.a), V::min(x.b, y.b)}; }
  static I max(I x, I y) { return {V::max(x.a, y.a), V::max(x.b, y.b)}; }
  static F abs(F x) { return {V::abs(x.a), V::abs(x.b)}; }
  static F negate(F x) { return {V::negate(x.a), V::negate(x.b)}; }
  static F sqrt(F x) { return {V::sqrt(x.a), V::sqrt(x.b)}; }
  static F round(F x) { return {V::round(x.a), V::round(x.b)}; }
  static F to_float(I x) { return {V::to_float(x.a), V::to_float(x.b)}; }
  static I truncate(F x) { return {V::truncate(x.a), V::truncate(x.b)}; }
  static F as_float(I x) { return {V::as_float(x.a), V::as_float(x.b)}; }
  static I as_int(F x) { return {V::as_int(x.a), V::as_int(x.b)}; }
  template <int n> static I shift_left(I x) {
    return {V::template shift_left<n>(x.a), V::template shift_left<n>(x.b)};
  }
  template <int n> static I shift_right(I x) {
    return {V::template shift_right<n>(x.a), V::template shift_right<n>(x.b)};
  }
  static I shift_left(I x, I counts) { return {V::shift_left(x.a, counts.a), V::shift_left(x.b, counts.b)}; }
  static I shift_right(I x, I counts) { return {V::shift_right(x.a, counts.a), V::shift_right(x.b, counts.b)}; }
  static I numbered() { return {V::numbered(), V::numbered() + V::all(static_cast<std::int32_t>(V::lanes))}; }

  static F select(M m, F x, F y) { return {V::select(m.a, x.a, y.a), V::select(m.b, x.b, y.b)}; }
  static I select(M m, I x, I y) { return {V::select(m.a, x.a, y.a), V::select(m.b, x.b, y.b)}; }
  static F least(F x) {
    const auto least = V::least(V::min(x.a, x.b));
    return {least, least};
  }
  static bool any(M m) { return V::any(m.a) || V::any(m.b); }
  static std::uint32_t bits(M m) { return V::bits(m.a) | V::bits(m.b) << V::lanes; }
  static M mask(std::uint32_t bits) { return {V::mask(bits), V::mask(bits >> V::lanes)}; }
  static I ones(M m) { return {V::ones(m.a), V::ones(m.b)}; }

  using Table = typename V::Table;
  static Table table8(const float* p) { return V::table8(p); }
  static Table table4(const float* p) { return V::table4(p); }
  // Of two vectors of four lanes.
  static Table table8(F x) { return V::table8(x.a, x.b); }
  static Table table4(F x) { return V::table4(x.a); }
  static F lookup8(Table table, I index) { return {V::lookup8(table, index.a), V::lookup8(table, index.b)}; }
  static F lookup4(Table table, I index) { return {V::lookup4(table, index.a), V::lookup4(table, index.b)}; }
  using Table16 = typename V::Table16;
  static Table16 table16(const float* p) { return V::table16(p); }
  static F lookup16(Table16 table, I index) { return {V::lookup16(table, index.a), V::lookup16(table, index.b)}; }

  static void load_columns(const float* src, std::size_t stride, F* out) {
    typename V::F first[8], second[8];
    V::load_columns(src, stride, first);
    V::load_columns(src + V::lanes * stride, stride, second);
    for (std::size_t i = 0; i < 8; ++i) out[i] = {first[i], second[i]};
  }
};

}  // namespace
}  // namespace heirloom::kernels
