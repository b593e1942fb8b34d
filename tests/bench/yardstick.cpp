#include "tests/bench/yardstick.hpp"

#include <algorithm>
#include <chrono>

namespace heirloom::bench {
namespace {

volatile std::uint64_t read_sum;

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

void stream(const std::uint8_t* src, std::size_t read_bytes, std::uint8_t* dst, std::size_t write_bytes) {
  constexpr std::size_t piece_bytes = 8192;
  const std::size_t pieces = std::max<std::size_t>(1, std::max(read_bytes, write_bytes) / piece_bytes);
  const std::size_t read = read_bytes / pieces / 8;
  const std::size_t write = write_bytes / pieces / 8;
  const std::size_t both = std::min(read, write);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < pieces; ++i) {
    const auto* from = reinterpret_cast<const std::uint64_t*>(src) + read * i;
    auto* to = reinterpret_cast<std::uint64_t*>(dst) + write * i;
    for (std::size_t j = 0; j < both; ++j) to[j] = from[j];
    for (std::size_t j = both; j < read; ++j) sum += from[j];
    for (std::size_t j = both; j < write; ++j) to[j] = sum;
  }
  read_sum = sum;
}

std::vector<std::vector<double>> take_turns(const std::vector<std::function<void()>>& works, int rounds) {
  std::vector<std::vector<double>> seconds(works.size());
  for (int round = -1; round < rounds; ++round)
    for (std::size_t i = 0; i < works.size(); ++i) {
      const std::size_t turn = (i + static_cast<std::size_t>(round + 1)) % works.size();
      if (!works[turn])
        continue;
      const double taken = seconds_of(works[turn]);
      if (round >= 0)
        seconds[turn].push_back(taken);
    }
  return seconds;
}

double median(std::vector<double> values) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double median_ratio(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) ratios.push_back(a[i] / b[i]);
  return median(std::move(ratios));
}

}  // namespace heirloom::bench
