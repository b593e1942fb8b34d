// What benchmarks measure against: a streaming copy of as many bytes, and times in turns, so that what else the machine
// does falls on all alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace heirloom::bench {

// Reads and writes these many bytes in step, by plain loops of words: the library's copies change their method with
// size and alignment, and this yardstick is not to.
void stream(const std::uint8_t* src, std::size_t read_bytes, std::uint8_t* dst, std::size_t write_bytes);

// Seconds of each work in each of `rounds` rounds, in which they take turns, each first in its turn. One round before
// that is not counted. A null work takes no part.
std::vector<std::vector<double>> take_turns(const std::vector<std::function<void()>>& works, int rounds);

double median(std::vector<double> values);

// The median of a[i] / b[i]: both of a pair were measured next to each other.
double median_ratio(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace heirloom::bench
