// What the process has allocated: every request of the plugin and of this program is counted. Used to see memory that
// grows from open to open, and memory that a few bytes of input make a plugin ask for. Any thread.
#pragma once

#include <cstdint>

namespace heirloom::conform {

// True where peaks are seen; in builds with sanitizers only `live_bytes` works.
bool are_peaks_counted();

// Bytes allocated and not yet freed.
std::uint64_t live_bytes();

// The most that was alive since the last reset; a request that failed counts as if it had not.
std::uint64_t peak_bytes();
void reset_peak();

}  // namespace heirloom::conform
