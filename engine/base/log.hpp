// Where the talk goes: lines for the user and progress. The program decides; libraries only call. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace heirloom::base {

enum class Level { info, warning };

struct Log {
  std::function<void(Level, std::string_view)> line;                      // no line end; may be empty
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;  // bytes of output; may be empty
  std::function<bool()> is_cancelled;                                     // may be empty

  void info(std::string_view text) const {
    if (line)
      line(Level::info, text);
  }
  void warn(std::string_view text) const {
    if (line)
      line(Level::warning, text);
  }
  void report(std::uint64_t done, std::uint64_t total) const {
    if (progress)
      progress(done, total);
  }
  bool cancelled() const { return is_cancelled && is_cancelled(); }
};

}  // namespace heirloom::base
