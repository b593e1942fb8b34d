#include "sandbox.hpp"

#include "sanitized.hpp"
#include "syscall_filter.hpp"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>

namespace heirloom::conform {
namespace {

void send_verdict(int fd, char kind, std::string_view text) {
  std::string message(1, kind);
  message += text;
  for (std::size_t sent = 0; sent < message.size();) {
    const ssize_t count = ::write(fd, message.data() + sent, message.size() - sent);
    if (count <= 0)
      return;
    sent += static_cast<std::size_t>(count);
  }
}

void limit_to(decltype(RLIMIT_CPU) resource, std::uint64_t value) {
  const rlimit limit{value, value};
  ::setrlimit(resource, &limit);
}

std::uint64_t mapped_bytes() {
  unsigned long pages = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file != nullptr) {
    if (std::fscanf(file, "%lu", &pages) != 1)
      pages = 0;
    std::fclose(file);
  }
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void apply(const Limits& limits) {
  limit_to(RLIMIT_CORE, 0);
  limit_to(RLIMIT_CPU, limits.processor_seconds);
  if (HEIRLOOM_IS_SANITIZED == 0)
    limit_to(RLIMIT_AS, mapped_bytes() + limits.memory_bytes);
}

unsigned count_threads() {
  DIR* const tasks = ::opendir("/proc/self/task");
  if (tasks == nullptr)
    return 1;
  unsigned count = 0;
  while (const dirent* entry = ::readdir(tasks))
    count += entry->d_name[0] != '.' ? 1u : 0u;
  ::closedir(tasks);
  return count;
}

// Takes the output streams away and gives back a file that catches what is printed until the filter is closed.
int capture_output() {
  const int talk = ::memfd_create("talk", MFD_CLOEXEC);
  if (talk < 0)
    return -1;
  ::dup2(talk, STDOUT_FILENO);
  if (HEIRLOOM_IS_SANITIZED == 0)
    ::dup2(talk, STDERR_FILENO);
  std::setvbuf(stdout, nullptr, _IONBF, 0);
  return talk;
}

Result<const heirloom_plugin*> load(const std::string& path) {
  const unsigned threads = count_threads();
  const unsigned descriptors = open_descriptors();
  const int talk = capture_output();
  void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const why = ::dlerror();
    return broken(std::string("the library cannot be loaded: ") + (why == nullptr ? "" : why));
  }
  std::fflush(nullptr);
  struct stat printed = {};
  if (talk >= 0 && ::fstat(talk, &printed) == 0 && printed.st_size > 0)
    return broken("the plugin printed while it was loaded");
  if (count_threads() > threads)
    return broken("the plugin started a thread while it was loaded");
  if (open_descriptors() > descriptors + (talk >= 0 ? 1 : 0))
    return broken("the plugin kept a file open while it was loaded");
  const auto* plugin = static_cast<const heirloom_plugin*>(::dlsym(library, "heirloom_plugin_v1"));
  if (plugin == nullptr)
    return broken("the library does not export \"heirloom_plugin_v1\"");
  return plugin;
}

Result<Note> run_body(const Case& one, const std::string& plugin_path, const Limits& limits, int verdict_fd) {
  HEIRLOOM_TRY(const heirloom_plugin* plugin, load(plugin_path));
  apply(limits);
  if (is_syscall_filter_available() && !install_syscall_filter(verdict_fd))
    return broken("the system-call filter cannot be installed");
  try {
    return one.body(*plugin);
  } catch (const std::bad_alloc&) {
    return broken("memory ran out, or std::bad_alloc crossed the border");
  } catch (const std::exception& exception) {
    return broken(std::string("an exception crossed the border: ") + exception.what());
  } catch (...) {
    return broken("an exception crossed the border");
  }
}

[[noreturn]] void be_child(const Case& one, const std::string& plugin_path, const Limits& limits, int verdict_fd) {
  const Result<Note> result = run_body(one, plugin_path, limits, verdict_fd);
  std::fflush(nullptr);  // what the plugin left in a stream's buffer is a forbidden write
  if (result)
    send_verdict(verdict_fd, verdict_ok, *result);
  else
    send_verdict(verdict_fd, verdict_failed, result.error().message);
  ::_exit(0);
}

// Everything the child sends until it closes the pipe; false when the deadline passes first.
bool receive(int fd, unsigned wall_seconds, std::string& message) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(wall_seconds);
  char buffer[1 << 16];
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0)
      return false;
    pollfd waiting{fd, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(left.count())) < 0 && errno != EINTR)
      return true;
    if (waiting.revents == 0)
      continue;
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count <= 0)
      return true;
    message.append(buffer, static_cast<std::size_t>(count));
  }
}

std::string how_it_died(int status, const Limits& limits) {
  if (!WIFSIGNALED(status))
    return "the process ended without a verdict (exit " + std::to_string(WEXITSTATUS(status)) + ")";
  const int signal = WTERMSIG(status);
  if (signal == SIGXCPU || signal == SIGKILL)
    return "took more than " + std::to_string(limits.processor_seconds) + " s of processor time";
  // The filter's handler names a forbidden call; it cannot run while signals are blocked, as they are where the C
  // library starts a thread or process.
  if (signal == SIGSYS)
    return "the plugin started a thread or process, or made another forbidden call with signals blocked";
  return std::string("crashed: ") + ::strsignal(signal);
}

Outcome outcome_of(const std::string& message, bool is_in_time, int status, const Limits& limits) {
  if (!message.empty())
    return {message[0] == verdict_ok, message.substr(1)};
  if (!is_in_time)
    return {false, "took more than " + std::to_string(limits.wall_seconds) + " s"};
  return {false, how_it_died(status, limits)};
}

}  // namespace

unsigned open_descriptors() {
  constexpr int most = 256;
  unsigned count = 0;
  for (int fd = 0; fd < most; ++fd)
    count += ::fcntl(fd, F_GETFD) != -1 ? 1u : 0u;
  return count;
}

Result<Outcome> run_case(const Case& one, const std::string& plugin_path, const Limits& limits) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return fail(Code::io, std::string("cannot make a pipe: ") + std::strerror(errno));
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) {
    ::close(ends[0]);
    ::close(ends[1]);
    return fail(Code::io, std::string("cannot start a process: ") + std::strerror(errno));
  }
  if (child == 0) {
    ::close(ends[0]);
    be_child(one, plugin_path, limits, ends[1]);
  }
  ::close(ends[1]);
  std::string message;
  const bool is_in_time = receive(ends[0], limits.wall_seconds, message);
  ::close(ends[0]);
  if (!is_in_time)
    ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return outcome_of(message, is_in_time, status, limits);
}

}  // namespace heirloom::conform
