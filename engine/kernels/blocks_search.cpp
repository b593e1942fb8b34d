#include "engine/kernels/blocks_search.hpp"

namespace heirloom::kernels {
namespace {

std::int32_t symmetric_code(float scaled_value, int levels) {
  return clamped(nearest(scaled_value), -levels, levels - 1);
}

// Sums of w * x * q and w * q * q.
struct Products {
  float xq = 0.0f;
  float qq = 0.0f;

  void add(float w, float x, std::int32_t code) {
    const auto q = static_cast<float>(code);
    xq += w * x * q;
    qq += w * q * q;
  }
  // Explains more of the group than another scale whose gain is scale * xq.
  bool is_better_than(float best) const { return qq > 0.0f && xq * xq > best * qq; }
};

void store_symmetric(const float* x, std::size_t n, int levels, float inverse, std::int8_t* q) {
  for (std::size_t i = 0; i < n; ++i) q[i] = static_cast<std::int8_t>(levels + symmetric_code(inverse * x[i], levels));
}

Products symmetric_products(const float* x, const float* weights, std::size_t n, int levels, float inverse) {
  Products sums;
  for (std::size_t i = 0; i < n; ++i)
    sums.add(weights != nullptr ? weights[i] : x[i] * x[i], x[i], symmetric_code(inverse * x[i], levels));
  return sums;
}

}  // namespace

float fit_symmetric(const float* x, const float* weights, std::size_t n, int levels, std::int8_t* q) noexcept {
  const Extreme extreme = extreme_of(x, n);
  if (extreme.magnitude < smallest_group) {
    for (std::size_t i = 0; i < n; ++i) q[i] = 0;
    return 0.0f;
  }
  const float first = static_cast<float>(-levels) / extreme.value;
  store_symmetric(x, n, levels, first, q);
  const Products start = symmetric_products(x, weights, n, levels, first);
  float scale = start.qq != 0.0f ? start.xq / start.qq : 0.0f;
  float best = scale * start.xq;
  for (int trial = -9; trial <= 9; ++trial) {
    if (trial == 0)
      continue;
    const float inverse = -(static_cast<float>(levels) + 0.1f * static_cast<float>(trial)) / extreme.value;
    const Products sums = symmetric_products(x, weights, n, levels, inverse);
    if (!sums.is_better_than(best))
      continue;
    store_symmetric(x, n, levels, inverse, q);
    scale = sums.xq / sums.qq;
    best = scale * sums.xq;
  }
  return scale;
}

namespace {

// Takes x[i] out of the sums and puts it back with the code that the others' scale asks for, where that is better.
bool improve_symmetric(float x, int levels, Products& sums, std::int8_t& code) {
  const float w = x * x;
  const auto old = static_cast<float>(code);
  float xq = sums.xq - w * x * old;
  if (!(xq > 0.0f))
    return false;
  float qq = sums.qq - w * old * old;
  const std::int32_t wanted = symmetric_code(x * qq / xq, levels);
  if (wanted == code)
    return false;
  const auto replacement = static_cast<float>(wanted);
  xq += w * x * replacement;
  qq += w * replacement * replacement;
  if (!(qq > 0.0f && xq * xq * sums.qq > sums.xq * sums.xq * qq))
    return false;
  code = static_cast<std::int8_t>(wanted);
  sums = {xq, qq};
  return true;
}

}  // namespace

float fit_symmetric_stepwise(const float* x, std::size_t n, int levels, std::int8_t* q) noexcept {
  const Extreme extreme = extreme_of(x, n);
  if (extreme.magnitude < smallest_group) {
    for (std::size_t i = 0; i < n; ++i) q[i] = 0;
    return 0.0f;
  }
  const float inverse = static_cast<float>(-levels) / extreme.value;
  Products sums;
  for (std::size_t i = 0; i < n; ++i) {
    q[i] = static_cast<std::int8_t>(symmetric_code(inverse * x[i], levels));
    sums.add(x[i] * x[i], x[i], q[i]);
  }
  bool has_changed = true;
  for (int round = 0; round < 5 && has_changed; ++round) {
    has_changed = false;
    for (std::size_t i = 0; i < n; ++i) has_changed = improve_symmetric(x[i], levels, sums, q[i]) || has_changed;
  }
  for (std::size_t i = 0; i < n; ++i) q[i] = static_cast<std::int8_t>(q[i] + levels);
  return sums.qq > 0.0f ? sums.xq / sums.qq : 0.0f;
}

namespace {

std::int32_t positive_code(float scaled_value, int levels) {
  const std::int32_t code = nearest(scaled_value);
  return code < levels ? code : levels;
}

// The first trial's codes are bytes and not limited to `levels`.
float positive_error(const float* x, const float* weights, std::size_t n, int levels, float inverse, bool is_first) {
  const float scale = 1.0f / inverse;
  float error = 0.0f;
  for (std::size_t i = 0; i < n; ++i) {
    const std::int32_t code =
        is_first ? static_cast<std::uint8_t>(nearest(inverse * x[i])) : positive_code(inverse * x[i], levels);
    const float difference = x[i] - scale * static_cast<float>(code);
    error += weights[i] * difference * difference;
  }
  return error;
}

// As improve_symmetric, with given weights.
bool improve_positive(float x, float w, int levels, Products& sums, std::uint8_t& code) {
  const auto old = static_cast<float>(code);
  float xq = sums.xq - w * x * old;
  float qq = sums.qq - w * old * old;
  if (!(xq > 0.0f && qq > 0.0f))
    return false;
  const std::int32_t wanted = positive_code(x * qq / xq, levels);
  if (wanted == code)
    return false;
  const auto replacement = static_cast<float>(wanted);
  xq += w * x * replacement;
  qq += w * replacement * replacement;
  if (!(xq * xq * sums.qq > sums.xq * sums.xq * qq))
    return false;
  code = static_cast<std::uint8_t>(wanted);
  sums = {xq, qq};
  return true;
}

float best_positive_inverse(const float* x, const float* weights, std::size_t n, int levels, float largest) {
  float best = static_cast<float>(levels) / largest;
  float best_error = positive_error(x, weights, n, levels, best, true);
  for (int trial = -4; trial <= 4; ++trial) {
    if (trial == 0)
      continue;
    const float inverse = (0.1f * static_cast<float>(trial) + static_cast<float>(levels)) / largest;
    const float error = positive_error(x, weights, n, levels, inverse, false);
    if (error < best_error) {
      best_error = error;
      best = inverse;
    }
  }
  return best;
}

}  // namespace

float fit_positive(const float* x, const float* weights, std::size_t n, int levels, std::uint8_t* q) noexcept {
  float largest = 0.0f;
  for (std::size_t i = 0; i < n; ++i) largest = largest > x[i] ? largest : x[i];
  if (largest < smallest_group) {
    for (std::size_t i = 0; i < n; ++i) q[i] = 0;
    return 0.0f;
  }
  const float inverse = best_positive_inverse(x, weights, n, levels, largest);
  Products sums;
  for (std::size_t i = 0; i < n; ++i) {
    const std::int32_t code = positive_code(inverse * x[i], levels);
    q[i] = static_cast<std::uint8_t>(code);
    sums.add(weights[i], x[i], code);
  }
  bool has_changed = true;
  for (int round = 0; round < 5 && has_changed; ++round) {
    has_changed = false;
    for (std::size_t i = 0; i < n; ++i)
      has_changed = improve_positive(x[i], weights[i], levels, sums, q[i]) || has_changed;
  }
  return sums.qq > 0.0f ? sums.xq / sums.qq : 0.0f;
}

namespace {

struct Moments {
  float min, max;
  float w, x;  // sums of the weights and of weight * x
};

Moments moments_of(const float* x, const float* weights, std::size_t n) {
  Moments moments{x[0], x[0], weights[0], weights[0] * x[0]};
  for (std::size_t i = 1; i < n; ++i) {
    moments.min = x[i] < moments.min ? x[i] : moments.min;
    moments.max = x[i] > moments.max ? x[i] : moments.max;
    moments.w += weights[i];
    moments.x += weights[i] * x[i];
  }
  return moments;
}

void store_affine(const float* x, std::size_t n, int levels, float inverse, float min, std::uint8_t* q) {
  for (std::size_t i = 0; i < n; ++i)
    q[i] = static_cast<std::uint8_t>(clamped(nearest(inverse * (x[i] - min)), 0, levels));
}

template <Deviation deviation>
float affine_error(const float* x, const float* weights, std::size_t n, float scale, float min, const std::uint8_t* q) {
  float error = 0.0f;
  for (std::size_t i = 0; i < n; ++i) {
    const float difference = scale * static_cast<float>(q[i]) + min - x[i];
    error += weights[i] * (deviation == Deviation::absolute ? magnitude_of(difference) : difference * difference);
  }
  return error;
}

struct Line {
  bool exists;
  float scale, min;
};

// The weighted least squares line through (q, x), its least value not above 0.
Line line_through(const float* x, const float* weights, std::size_t n, const Moments& moments, const std::uint8_t* q) {
  float sum_q = 0.0f, sum_qq = 0.0f, sum_xq = 0.0f;
  for (std::size_t i = 0; i < n; ++i) {
    const auto code = static_cast<float>(q[i]);
    sum_q += weights[i] * code;
    sum_qq += weights[i] * code * code;
    sum_xq += weights[i] * code * x[i];
  }
  const float determinant = moments.w * sum_qq - sum_q * sum_q;
  if (!(determinant > 0.0f))
    return {false, 0.0f, 0.0f};
  const float scale = (moments.w * sum_xq - moments.x * sum_q) / determinant;
  const float min = (sum_qq * moments.x - sum_q * sum_xq) / determinant;
  return min > 0.0f ? Line{true, sum_xq / sum_qq, 0.0f} : Line{true, scale, min};
}

}  // namespace

template <Deviation deviation>
Affine fit_affine(const float* x, const float* weights, std::size_t n, int levels, Trials trials,
                  std::uint8_t* q) noexcept {
  const Moments moments = moments_of(x, weights, n);
  const float max = moments.max;
  float min = moments.min > 0.0f ? 0.0f : moments.min;
  if (max == min) {
    for (std::size_t i = 0; i < n; ++i) q[i] = 0;
    return {0.0f, -min};
  }
  const auto top = static_cast<float>(levels);
  const float inverse = top / (max - min);
  float scale = 1.0f / inverse;
  store_affine(x, n, levels, inverse, min, q);
  float best_error = affine_error<deviation>(x, weights, n, scale, min, q);
  for (int trial = 0; trial <= trials.count; ++trial) {
    std::uint8_t candidate[max_group];
    const float wanted = (trials.first + trials.step * static_cast<float>(trial) + top) / (max - min);
    store_affine(x, n, levels, wanted, min, candidate);
    const Line line = line_through(x, weights, n, moments, candidate);
    if (!line.exists)
      continue;
    const float error = affine_error<deviation>(x, weights, n, line.scale, line.min, candidate);
    if (!(error < best_error))
      continue;
    for (std::size_t i = 0; i < n; ++i) q[i] = candidate[i];
    best_error = error;
    scale = line.scale;
    min = line.min;
  }
  return {scale, -min};
}

template Affine fit_affine<Deviation::absolute>(const float*, const float*, std::size_t, int, Trials,
                                                std::uint8_t*) noexcept;
template Affine fit_affine<Deviation::squared>(const float*, const float*, std::size_t, int, Trials,
                                               std::uint8_t*) noexcept;

}  // namespace heirloom::kernels
