// Runs one case in a child process: the plugin is loaded there, the system-call filter closed, the body run within limits
// of processor time, wall time and memory. A crash, a forbidden call or a passed limit is a failure of that case alone.
#pragma once

#include "case.hpp"

#include <cstdint>
#include <string>

namespace heirloom::conform {

struct Limits {
  unsigned processor_seconds = 10;
  unsigned wall_seconds = 60;
  std::uint64_t memory_bytes = std::uint64_t{2} << 30;  // beyond what this program has mapped itself
};

// What became of a case. `text` is the note of a passed one, or why it failed.
struct Outcome {
  bool is_ok = false;
  std::string text;
};

// Code::io when no child process can be made.
Result<Outcome> run_case(const Case& one, const std::string& plugin_path, const Limits& limits);

// File descriptors that this process has open, of the first 256.
unsigned open_descriptors();

}  // namespace heirloom::conform
