// Preloaded into a program: a system-call filter that lets it read below HEIRLOOM_CONFINE_READ and write below
// HEIRLOOM_CONFINE_WRITE (absolute paths, ":" between them), and nothing else that reaches beyond itself: no process, no
// socket. What is forbidden ends the program with exit code 99 and a line on stderr that says what it was. At its end the
// program says its peak of memory: "confine: peak 12345 kB". Linux on x86-64 and arm64.
//
// Paths lie in memory, which a filter cannot see: such calls end in a signal handler. It does them itself, with a number in an
// argument that the kernel ignores and the filter knows, and looks where the opened file really is.
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

namespace {

constexpr int exit_forbidden = 99;
constexpr std::uint32_t pass = 0x48454952;  // in the sixth argument

#if defined(__x86_64__)
constexpr std::uint32_t own_architecture = AUDIT_ARCH_X86_64;
#else
constexpr std::uint32_t own_architecture = AUDIT_ARCH_AARCH64;
#endif

struct Forbidden {
  long call;
  const char* deed;
};
constexpr Forbidden forbidden[] = {
#if defined(__x86_64__)
    {SYS_fork, "started a process (fork)"},
    {SYS_vfork, "started a process (vfork)"},
    {SYS_creat, "created a file (creat)"},
    {SYS_symlink, "made a link (symlink)"},
    {SYS_link, "made a link (link)"},
    {SYS_mknod, "made a device (mknod)"},
#endif
    {SYS_clone, "started a process (clone)"},
    {SYS_execve, "started a program (execve)"},
    {SYS_execveat, "started a program (execveat)"},
    {SYS_socket, "opened a socket (socket)"},
    {SYS_socketpair, "opened a socket (socketpair)"},
    {SYS_connect, "opened a connection (connect)"},
    {SYS_bind, "listened (bind)"},
    {SYS_ptrace, "traced a process (ptrace)"},
    {SYS_process_vm_readv, "read another process (process_vm_readv)"},
    {SYS_process_vm_writev, "wrote into another process (process_vm_writev)"},
    {SYS_memfd_create, "made a file in memory (memfd_create)"},
    {SYS_io_uring_setup, "set up io_uring"},
    {SYS_open_by_handle_at, "opened a file by its handle (open_by_handle_at)"},
    {SYS_symlinkat, "made a link (symlinkat)"},
    {SYS_linkat, "made a link (linkat)"},
    {SYS_mknodat, "made a device (mknodat)"},
    {SYS_mount, "mounted something (mount)"},
    {SYS_chroot, "changed its root (chroot)"},
    {SYS_kill, "sent a signal (kill)"},
};

// Calls with paths. `first` and `second` are the indexes of arguments that are paths; the directory of each is the argument
// before it unless the call is an old one that has none.
struct PathCall {
  long call;
  int first;
  int second;
  bool has_directories;
};
constexpr PathCall path_calls[] = {
    {SYS_unlinkat, 1, -1, true},
    {SYS_mkdirat, 1, -1, true},
    {SYS_renameat2, 1, 3, true},
    {SYS_fchmodat, 1, -1, true},
    {SYS_truncate, 0, -1, false},
#if defined(SYS_renameat)
    {SYS_renameat, 1, 3, true},
#endif
#if defined(__x86_64__)
    {SYS_unlink, 0, -1, false},
    {SYS_rmdir, 0, -1, false},
    {SYS_mkdir, 0, -1, false},
    {SYS_rename, 0, 1, false},
    {SYS_chmod, 0, -1, false},
#endif
};

constexpr std::size_t max_roots = 32;
struct Roots {
  std::array<const char*, max_roots> paths{};
  std::size_t count = 0;
  std::array<char, 8192> text{};

  void fill(const char* list) {
    if (list == nullptr || std::strlen(list) >= text.size())
      return;
    std::strcpy(text.data(), list);
    for (char* part = std::strtok(text.data(), ":"); part != nullptr && count < max_roots; part = std::strtok(nullptr, ":"))
      paths[count++] = part;
  }
  bool contain(const char* path) const {
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t size = std::strlen(paths[i]);
      if (std::strncmp(path, paths[i], size) == 0 && (path[size] == '\0' || path[size] == '/'))
        return true;
    }
    return false;
  }
};

// Set once, before the filter is: a signal handler has no other way to know.
Roots readable, writable;
std::array<char, 32> own_process{};  // "/proc/123/": what the program may know of itself

void say(const char* text) { [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text)); }

[[noreturn]] void refuse(const char* deed, const char* path = "") {
  say("confine: the program ");
  say(deed);
  say(" ");
  say(path);
  say("\n");
  ::_exit(exit_forbidden);
}

// The real path of a descriptor.
void path_of(long descriptor, std::span<char> path) {
  char link[64] = "/proc/self/fd/";
  char digits[24];
  int count = 0;
  for (long rest = descriptor; count == 0 || rest > 0; rest /= 10)
    digits[count++] = static_cast<char>('0' + rest % 10);
  std::size_t at = std::strlen(link);
  while (count > 0)
    link[at++] = digits[--count];
  link[at] = '\0';
  const ssize_t size = ::readlink(link, path.data(), path.size() - 1);
  path[size < 0 ? 0 : static_cast<std::size_t>(size)] = '\0';
}

using Arguments = std::array<long, 6>;

long perform(long call, Arguments a) {
  const long result = ::syscall(call, a[0], a[1], a[2], a[3], a[4], static_cast<long>(pass));
  return result == -1 ? -errno : result;
}

long do_open(const Arguments& a) {
  const long opened = perform(SYS_openat, a);
  if (opened < 0)
    return opened;
  std::array<char, PATH_MAX> path{};
  path_of(opened, path);
  const long flags = a[2];
  const bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
  if (writes && !writable.contain(path.data()))
    refuse("opened for writing", path.data());
  const bool is_own = std::strncmp(path.data(), own_process.data(), std::strlen(own_process.data())) == 0;
  if (!is_own && !readable.contain(path.data()) && !writable.contain(path.data()))
    refuse("opened", path.data());
  return opened;
}

// The path that is named, made absolute; ".." is not wanted at all.
void check_changed(const char* path, long directory) {
  std::array<char, 2 * PATH_MAX> whole{};
  if (path[0] != '/') {
    if (directory == AT_FDCWD) {
      if (::getcwd(whole.data(), PATH_MAX) == nullptr)
        refuse("changed", path);
    } else {
      path_of(directory, std::span(whole).first(PATH_MAX));
    }
    std::strcat(whole.data(), "/");
  }
  std::strncat(whole.data(), path, PATH_MAX - 1);
  if (std::strstr(whole.data(), "/../") != nullptr || !writable.contain(whole.data()))
    refuse("changed", whole.data());
}

long handle(long call, const Arguments& a) {
  if (call == SYS_openat)
    return do_open(a);
#if defined(__x86_64__)
  if (call == SYS_open)
    return do_open({AT_FDCWD, a[0], a[1], a[2], 0, 0});
#endif
  for (const PathCall& each : path_calls)
    if (each.call == call) {
      for (const int index : {each.first, each.second})
        if (index >= 0)
          check_changed(reinterpret_cast<const char*>(a[static_cast<std::size_t>(index)]),
                        each.has_directories ? a[static_cast<std::size_t>(index) - 1] : AT_FDCWD);
      return perform(call, a);
    }
  for (const Forbidden& each : forbidden)
    if (each.call == call)
      refuse(each.deed);
  refuse("made a call that is not known here");
}

void on_trap(int, siginfo_t* info, void* context) {
  auto& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
  const int kept = errno;
#if defined(__x86_64__)
  const auto reg = [&](int index) { return static_cast<long>(machine.gregs[index]); };
  machine.gregs[REG_RAX] =
      handle(info->si_syscall, {reg(REG_RDI), reg(REG_RSI), reg(REG_RDX), reg(REG_R10), reg(REG_R8), reg(REG_R9)});
#else
  const auto reg = [&](int index) { return static_cast<long>(machine.regs[index]); };
  machine.regs[0] =
      static_cast<unsigned long long>(handle(info->si_syscall, {reg(0), reg(1), reg(2), reg(3), reg(4), reg(5)}));
#endif
  errno = kept;
}

sock_filter statement(int code, std::uint32_t value) { return {static_cast<std::uint16_t>(code), 0, 0, value}; }
sock_filter jump(int code, std::uint32_t value, std::uint8_t yes, std::uint8_t no) {
  return {static_cast<std::uint16_t>(code), yes, no, value};
}

std::vector<sock_filter> make_filter() {
  constexpr int load = BPF_LD | BPF_W | BPF_ABS, equal = BPF_JMP | BPF_JEQ | BPF_K, set = BPF_JMP | BPF_JSET | BPF_K, end = BPF_RET | BPF_K;
  const auto argument = [](std::size_t index) { return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8 * index); };
  std::vector<sock_filter> filter = {statement(load, offsetof(seccomp_data, arch)), jump(equal, own_architecture, 1, 0),
                                     statement(end, SECCOMP_RET_KILL_PROCESS), statement(load, offsetof(seccomp_data, nr))};
  const auto on_call = [&](long call, std::initializer_list<sock_filter> then) {
    filter.push_back(jump(equal, static_cast<std::uint32_t>(call), 0, static_cast<std::uint8_t>(then.size())));
    filter.insert(filter.end(), then);
  };
  // The handler's own calls pass, others trap.
  const auto with_pass = [&](long call) {
    on_call(call, {statement(load, argument(5)), jump(equal, pass, 0, 1), statement(end, SECCOMP_RET_ALLOW), statement(end, SECCOMP_RET_TRAP)});
  };
  with_pass(SYS_openat);
  for (const PathCall& each : path_calls)
    with_pass(each.call);
#if defined(__x86_64__)
  on_call(SYS_open, {statement(end, SECCOMP_RET_TRAP)});
#endif
  // Threads are no processes. clone3, whose arguments lie in memory, and openat2 are said not to exist: libc does without.
  on_call(SYS_clone, {statement(load, argument(0)), jump(set, CLONE_THREAD, 0, 1), statement(end, SECCOMP_RET_ALLOW),
                      statement(end, SECCOMP_RET_TRAP)});
  for (const long call : {SYS_clone3, SYS_openat2})
    on_call(call, {statement(end, SECCOMP_RET_ERRNO | ENOSYS)});
  for (const Forbidden& each : forbidden)
    if (each.call != SYS_clone)
      on_call(each.call, {statement(end, SECCOMP_RET_TRAP)});
  filter.push_back(statement(end, SECCOMP_RET_ALLOW));
  return filter;
}

__attribute__((constructor)) void begin() {
  readable.fill(std::getenv("HEIRLOOM_CONFINE_READ"));
  writable.fill(std::getenv("HEIRLOOM_CONFINE_WRITE"));
  std::snprintf(own_process.data(), own_process.size(), "/proc/%d/", static_cast<int>(::getpid()));
  struct sigaction action = {};
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  std::vector<sock_filter> filter = make_filter();
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::sigaction(SIGSYS, &action, nullptr) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
    refuse("cannot be confined: this kernel has no such filter");
}

// "VmHWM:      1234 kB" of /proc/self/status.
__attribute__((destructor)) void end() {
  static std::array<char, 8192> status{};
  const long file = perform(SYS_openat, {AT_FDCWD, reinterpret_cast<long>("/proc/self/status"), O_RDONLY, 0, 0, 0});
  const ssize_t size = file < 0 ? 0 : ::read(static_cast<int>(file), status.data(), status.size() - 1);
  status[size < 0 ? 0 : static_cast<std::size_t>(size)] = '\0';
  const char* peak = std::strstr(status.data(), "VmHWM:");
  if (peak == nullptr)
    return;
  peak += std::strlen("VmHWM:") + std::strspn(peak + std::strlen("VmHWM:"), " \t");
  say("confine: peak ");
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, peak, std::strcspn(peak, " \n"));
  say(" kB\n");
}

}  // namespace
