// iq4_nl and iq4_xs, see blocks_iq4.cpp, with eight groups of 32 at once, a group to a lane: each lane keeps the order
// of operations. Groups with infinities, NaN or huge numbers go to the portable row.
#pragma once

#include "engine/kernels/blocks.hpp"
#include "engine/kernels/blocks_iq4.hpp"
#include "engine/kernels/simd/groups.hpp"
#include "engine/kernels/simd/symmetric.hpp"

namespace heirloom::kernels::simd {

// Number i lies between values i and i + 1; the values are nearer from it on upwards.
constexpr float iq4_limits[16] = {-115.5f, -93.5f, -74.0f, -57.0f, -42.0f, -28.5f, -16.0f, -4.5f,
                                  7.0f,    19.0f,  31.5f,  45.5f,  61.0f,  79.0f,  101.0f, 0.0f};
constexpr float iq4_limits_of_fours[4] = {-93.5f, -28.5f, 19.0f, 79.0f};
constexpr float iq4_limits_of_twos[8] = {-115.5f, -74.0f, -42.0f, -16.0f, 7.0f, 31.5f, 61.0f, 101.0f};
constexpr float iq4_next_values[16] = {-104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113, 0};

// V has eight lanes.
template <class V>
struct Iq4 {
  using F = typename V::F;
  using I = typename V::I;
  using M = typename V::M;
  static_assert(V::lanes == iq4::groups);
  static constexpr std::size_t n = iq4::group;

  // The index of the value nearest to x.
  static I nearest_index(F x) {
    const M is_high = x >= V::all(iq4_limits[7]);
    I index = V::all(0) - V::ones(is_high);
    index = index + index - V::ones(x >= V::select(is_high, V::all(iq4_limits[11]), V::all(iq4_limits[3])));
    index = index + index - V::ones(x >= V::lookup4(V::table4(iq4_limits_of_fours), index));
    return index + index - V::ones(x >= V::lookup8(V::table8(iq4_limits_of_twos), index));
  }

  struct Sums {
    F xq, qq;
  };

  // The products of one number with the two values that it can be nearest to in the trials, and the limit between them.
  struct Choice {
    F limit;
    Sums low, high;
  };

  static Sums products_of(F x, F weight, F value) {
    const F weighted = weight * value;
    return {weighted * x, weighted * value};
  }

  // Trials map the extreme onto -134 to -120 and so a number onto what differs by a ninth: between neighbouring limits
  // of one sign lies a fifth and more, so that at most one limit is crossed, the next one away from zero.
  static Choice choice_of(F x, F weight, F smallest_inverse) {
    const F value = smallest_inverse * x;
    const I outer = nearest_index(value) + V::ones(value < V::all(0.0f));
    const I low = V::min(V::max(outer, V::all(0)), V::all(14));
    return {V::lookup16(V::table16(iq4_limits), low),
            products_of(x, weight, V::lookup16(V::table16(iq4_values), low)),
            products_of(x, weight, V::lookup16(V::table16(iq4_next_values), low))};
  }

  struct Fit {
    F scale;
    M is_sound;
  };

  static constexpr int trials_at_once = 3;  // sums that hide each other's latency

  // The sums of three trials, each in order.
  static void try_inverses(const F* x, const Choice* choices, const F* inverses, Sums* sums) {
    for (int t = 0; t < trials_at_once; ++t) sums[t] = {V::all(0.0f), V::all(0.0f)};
    for (std::size_t i = 0; i < n; ++i)
      for (int t = 0; t < trials_at_once; ++t) {
        const M is_high = inverses[t] * x[i] >= choices[i].limit;
        sums[t].xq = sums[t].xq + V::select(is_high, choices[i].high.xq, choices[i].low.xq);
        sums[t].qq = sums[t].qq + V::select(is_high, choices[i].high.qq, choices[i].low.qq);
      }
  }

  // The first try maps the extreme onto 127, the trials onto -127 and a few numbers on both sides.
  static Fit fit(const F* x, const F* weights) {
    const F zero = V::all(0.0f), first_value = V::all(iq4_values[0]);
    const Extremes<V> extremes = extremes_of<V>(x, n);
    const M is_zero = extremes.magnitude < V::all(smallest_group);
    const F start_inverse = V::all(1.0f) / (V::negate(extremes.value) / first_value);
    Sums start{zero, zero};
    for (std::size_t i = 0; i < n; ++i) {
      const F value = V::lookup16(V::table16(iq4_values), nearest_index(start_inverse * x[i]));
      const Sums products = products_of(x[i], weights[i], value);
      start = {start.xq + products.xq, start.qq + products.qq};
    }
    F scale = V::select(start.qq > zero, start.xq / start.qq, zero);
    F best = scale * start.xq;

    Choice choices[n];
    const F smallest_inverse = V::all(7.0f + iq4_values[0]) / extremes.value;
    for (std::size_t i = 0; i < n; ++i) choices[i] = choice_of(x[i], weights[i], smallest_inverse);
    for (int trial = -7; trial <= 7; trial += trials_at_once) {
      F inverses[trials_at_once];
      Sums sums[trials_at_once];
      for (int t = 0; t < trials_at_once; ++t)
        inverses[t] = V::all(static_cast<float>(trial + t) + iq4_values[0]) / extremes.value;
      try_inverses(x, choices, inverses, sums);
      for (const Sums& sum : sums) {
        const M is_better = (sum.qq > zero) & (sum.xq * sum.xq > best * sum.qq);
        scale = V::select(is_better, sum.xq / sum.qq, scale);
        best = V::select(is_better, scale * sum.xq, best);
      }
    }
    return {V::select(is_zero, zero, scale), are_moderate<V>(x, n)};
  }

  // Without an importance every weight counts with its square. `sums` are those of the squares of `elements` weights.
  static Fit fit_groups(const float* src, const float* importance, F sums, std::size_t elements) {
    F x[n], weights[n];
    load_groups<V>(src, n, x);
    if (importance == nullptr) {
      for (std::size_t i = 0; i < n; ++i) weights[i] = x[i] * x[i];
    } else {
      if (elements == n) {
        sums = V::all(0.0f);
        for (std::size_t i = 0; i < n; ++i) sums = sums + x[i] * x[i];
      }
      const F variance = sums * V::all(2.0f / static_cast<float>(elements));
      weigh_groups<V>(x, importance, variance, n, weights);
    }
    return fit(x, weights);
  }

  static void store_values(const float* x, float scale_inverse, std::uint8_t* dst) {
    const F inverse = V::all(scale_inverse);
    for (std::size_t j = 0; j < n / 2; j += V::lanes)
      V::store_u8(dst + j, nearest_index(inverse * V::load(x + j)) |
                               V::template shift_left<4>(nearest_index(inverse * V::load(x + j + n / 2))));
  }

  // Eight blocks.
  static void encode_nl_batch(const float* src, const float* importance, std::uint8_t* dst) {
    const Fit fits = fit_groups(src, importance, V::all(0.0f), n);
    float scales[V::lanes];
    V::store(scales, fits.scale);
    const std::uint32_t sound = V::bits(fits.is_sound);
    for (std::size_t g = 0; g < V::lanes; ++g) {
      const float* x = src + n * g;
      std::uint8_t* block = dst + iq4::nl_bytes * g;
      if ((sound >> g & 1) != 0) {
        store_f16(block, scales[g]);
        store_values(x, iq4::inverse_of(scales[g]), block + 2);
      } else if (importance == nullptr) {
        encode_iq4_nl(x, block, n);
      } else {
        encode_weighted_iq4_nl(x, importance + n * g, block, n);
      }
    }
  }

  // `sum` is that of the block's squares, where there is an importance.
  static void encode_xs_block(const float* src, const float* importance, float sum, std::uint8_t* dst) {
    const Fit fits = fit_groups(src, importance, V::all(sum), super_elements);
    if (V::bits(fits.is_sound) != 0xff) {
      importance == nullptr ? encode_iq4_xs(src, dst, super_elements)
                            : encode_weighted_iq4_xs(src, importance, dst, super_elements);
      return;
    }
    float scales[iq4::groups], inverses[iq4::groups];
    V::store(scales, fits.scale);
    iq4::store_group_scales(scales, dst, inverses);
    for (std::size_t g = 0; g < iq4::groups; ++g) store_values(src + n * g, inverses[g], dst + 8 + n / 2 * g);
  }

  static void encode_nl_row(const float* src, const float* importance, std::uint8_t* dst, std::size_t count) {
    std::size_t i = 0;
    for (; i + n * V::lanes <= count; i += n * V::lanes)
      encode_nl_batch(src + i, importance == nullptr ? nullptr : importance + i, dst + i / n * iq4::nl_bytes);
    if (i == count)
      return;
    float numbers[n * V::lanes] = {}, weights[n * V::lanes] = {};
    std::uint8_t blocks[iq4::nl_bytes * V::lanes];
    __builtin_memcpy(numbers, src + i, (count - i) * sizeof(float));
    if (importance != nullptr)
      __builtin_memcpy(weights, importance + i, (count - i) * sizeof(float));
    encode_nl_batch(numbers, importance == nullptr ? nullptr : weights, blocks);
    __builtin_memcpy(dst + i / n * iq4::nl_bytes, blocks, (count - i) / n * iq4::nl_bytes);
  }

  static void encode_nl(const float* src, std::uint8_t* dst, std::size_t count) noexcept {
    encode_nl_row(src, nullptr, dst, count);
  }
  static void encode_weighted_nl(const float* src, const float* importance, std::uint8_t* dst,
                                 std::size_t count) noexcept {
    encode_nl_row(src, importance, dst, count);
  }

  static void encode_xs(const float* src, std::uint8_t* dst, std::size_t count) noexcept {
    for (std::size_t b = 0; b < count / super_elements; ++b)
      encode_xs_block(src + super_elements * b, nullptr, 0.0f, dst + iq4::xs_bytes * b);
  }

  static void encode_weighted_xs(const float* src, const float* importance, std::uint8_t* dst,
                                 std::size_t count) noexcept {
    const std::size_t blocks = count / super_elements;
    for (std::size_t b = 0; b < blocks; b += V::lanes) {
      const std::size_t left = blocks - b < V::lanes ? blocks - b : V::lanes;
      float sums[V::lanes];
      sum_squares<V>(src + super_elements * b, left, super_elements, sums);
      for (std::size_t k = 0; k < left; ++k) {
        const std::size_t i = super_elements * (b + k);
        encode_xs_block(src + i, importance + i, sums[k], dst + iq4::xs_bytes * (b + k));
      }
    }
  }
};

}  // namespace heirloom::kernels::simd
