// The talk on stderr: messages, errors and progress. A bar on a terminal, a line per tenth of the work otherwise, JSON
// lines with --progress json. Any thread.
#pragma once

#include "engine/cli/commands.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

namespace heirloom::cli {

class Talk {
 public:
  explicit Talk(ProgressStyle style);
  ~Talk();
  Talk(const Talk&) = delete;
  Talk& operator=(const Talk&) = delete;

  // Sinks for the engine; valid as long as this. Interrupts (process.hpp) show as is_cancelled.
  base::Log log();
  // `text` is made printable.
  void line(base::Level level, std::string_view text);
  // Ends a bar that is being drawn.
  void end_progress();

 private:
  void progress(std::uint64_t done, std::uint64_t total);
  void draw_bar(std::uint64_t done, std::uint64_t total, double seconds);

  const ProgressStyle style_;
  const bool is_terminal_;
  std::mutex mutex_;
  bool has_bar_ = false;
  int tenth_ = 0;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_;
};

// Prints an error to stderr and returns the exit code for it.
int report_error(const Error& error);

// A session with the common options, or the exit code after a printed error.
Result<Session> make_session(const CommonArguments& common, Talk& talk);

// Writes the result to stdout; io when that fails (a full disk, a closed pipe).
int print(const std::string& text, int exit_code);

}  // namespace heirloom::cli
