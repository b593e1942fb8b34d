#include "engine/cli/talk.hpp"

#include "engine/cli/process.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace heirloom::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto redraw_interval = std::chrono::milliseconds(100);
constexpr int bar_width = 30;

// A terminal that is gone, a full disk: the talk is lost, the work goes on.
void say(const std::string& text) { static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr)); }

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

}  // namespace

Talk::Talk(ProgressStyle style)
    : style_(style), is_terminal_(::isatty(STDERR_FILENO) == 1), start_(Clock::now()), drawn_(start_) {}

Talk::~Talk() { end_progress(); }

base::Log Talk::log() {
  base::Log log;
  log.line = [this](base::Level level, std::string_view text) { line(level, text); };
  log.progress = [this](std::uint64_t done, std::uint64_t total) { progress(done, total); };
  log.is_cancelled = [] { return is_interrupted(); };
  return log;
}

void Talk::line(base::Level level, std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (has_bar_)
    say("\r\x1b[K");
  say(fmt::format("{}{}\n", level == base::Level::warning ? "warning: " : "", base::printable(text)));
}

void Talk::end_progress() {
  const std::lock_guard lock(mutex_);
  if (has_bar_)
    say("\n");
  has_bar_ = false;
}

void Talk::progress(std::uint64_t done, std::uint64_t total) {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  const double seconds = seconds_since(start_);
  if (style_ == ProgressStyle::none || total == 0)
    return;
  if (style_ == ProgressStyle::json) {
    if (done == total || now - drawn_ >= redraw_interval)
      say(fmt::format("{{\"event\":\"progress\",\"done\":{},\"total\":{},\"seconds\":{:.3f}}}\n", done, total, seconds));
    else
      return;
    drawn_ = now;
  } else if (is_terminal_) {
    if (done == total || now - drawn_ >= redraw_interval) {
      drawn_ = now;
      draw_bar(done, total, seconds);
    }
  } else if (const int tenth = static_cast<int>(10.0 * static_cast<double>(done) / static_cast<double>(total));
             tenth > tenth_ && seconds > 1) {
    tenth_ = tenth;
    say(fmt::format("{}0% of {} after {:.0f} s\n", tenth, base::human_bytes(total), seconds));
  }
}

void Talk::draw_bar(std::uint64_t done, std::uint64_t total, double seconds) {
  const double part = static_cast<double>(done) / static_cast<double>(total);
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  const double left = rate > 0 ? static_cast<double>(total - done) / rate : 0;
  const auto filled = static_cast<std::size_t>(part * bar_width);
  say(fmt::format("\r[{}{}] {:3.0f}%  {}/s  {:.0f} s left\x1b[K", std::string(filled, '='),
                  std::string(bar_width - filled, ' '), part * 100, base::human_bytes(static_cast<std::uint64_t>(rate)), left));
  std::fflush(stderr);
  has_bar_ = true;
}

int report_error(const Error& error) {
  say("error: " + base::describe(error) + "\n");
  return exit_could_not;
}

Result<Session> make_session(const CommonArguments& common, Talk& talk) {
  SessionOptions options;
  options.plugins.plugin_dirs = common.plugin_dirs;
  options.plugins.allow_unsafe = common.allow_unsafe;
  options.arch_maps = common.arch_maps;
  return Session::create(options, talk.log());
}

int print(const std::string& text, int exit_code) {
  const bool is_written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!is_written)
    return report_error({Code::io, "cannot write to standard output"});
  return exit_code;
}

}  // namespace heirloom::cli
