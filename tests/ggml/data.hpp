// Weights and importances to quantize: as they are in models, and as they are hard. All are finite. Each distribution
// is drawn for a row at a time, so that a row has a character of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

namespace heirloom::test {

using Random = std::mt19937_64;

struct Distribution {
  const char* name;
  void (*fill)(Random& random, std::span<float> row);
};
std::span<const Distribution> weight_distributions();
std::span<const Distribution> importance_distributions();

}  // namespace heirloom::test
