#include "syscall_filter.hpp"

#include "sanitized.hpp"

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace heirloom::conform {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t own_architecture = AUDIT_ARCH_X86_64;
#else
constexpr std::uint32_t own_architecture = AUDIT_ARCH_AARCH64;
#endif

// Memory, time, signals of its own, and what this program needs to measure itself (fcntl, pread64).
constexpr long allowed_calls[] = {
    SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_futex, SYS_clock_gettime,
    SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday, SYS_getrandom, SYS_getpid, SYS_gettid, SYS_tgkill,
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_sched_yield, SYS_sched_getaffinity,
    SYS_sysinfo, SYS_prlimit64, SYS_getrusage, SYS_fstat, SYS_fcntl, SYS_pread64, SYS_exit, SYS_exit_group,
    SYS_restart_syscall, SYS_prctl,
};

struct NamedCall {
  long number;
  const char* deed;
};

constexpr NamedCall named_calls[] = {
    {SYS_openat, "opened a file (openat)"},
#if defined(SYS_open)
    {SYS_open, "opened a file (open)"},
    {SYS_creat, "created a file (creat)"},
    {SYS_stat, "looked at a file (stat)"},
    {SYS_lstat, "looked at a file (lstat)"},
    {SYS_access, "looked at a file (access)"},
    {SYS_unlink, "deleted a file (unlink)"},
    {SYS_mkdir, "made a directory (mkdir)"},
    {SYS_fork, "started a process (fork)"},
    {SYS_vfork, "started a process (vfork)"},
#endif
#if defined(SYS_openat2)
    {SYS_openat2, "opened a file (openat2)"},
#endif
    {SYS_newfstatat, "looked at a file (newfstatat)"},
    {SYS_statx, "looked at a file (statx)"},
    {SYS_faccessat, "looked at a file (faccessat)"},
    {SYS_readlinkat, "looked at a file (readlinkat)"},
    {SYS_memfd_create, "created a file (memfd_create)"},
    {SYS_pipe2, "made a pipe (pipe2)"},
    {SYS_socket, "opened a socket (socket)"},
    {SYS_connect, "opened a socket (connect)"},
    {SYS_clone, "started a thread or process (clone)"},
#if defined(SYS_clone3)
    {SYS_clone3, "started a thread or process (clone3)"},
#endif
    {SYS_execve, "started a program (execve)"},
    {SYS_execveat, "started a program (execveat)"},
    {SYS_write, "printed, or wrote to a file (write)"},
    {SYS_writev, "printed, or wrote to a file (writev)"},
    {SYS_pwrite64, "printed, or wrote to a file (pwrite64)"},
    {SYS_sendto, "wrote to a socket (sendto)"},
    {SYS_read, "read from a file of its own (read)"},
    {SYS_close, "closed a file that is not its own (close)"},
    {SYS_kill, "sent a signal (kill)"},
};

// Set once, before the filter is installed; a signal handler has no other way to know.
int handler_verdict_fd = -1;

void say(const char* text) {
  [[maybe_unused]] const ssize_t written = ::write(handler_verdict_fd, text, std::strlen(text));
}

void on_forbidden_call(int, siginfo_t* info, void*) {
  say("Fthe plugin ");
  for (const NamedCall& call : named_calls)
    if (call.number == info->si_syscall) {
      say(call.deed);
      ::_exit(0);
    }
  char digits[16] = {};
  std::size_t at = sizeof digits - 1;
  for (int number = info->si_syscall; number > 0 && at > 0; number /= 10)
    digits[--at] = static_cast<char>('0' + number % 10);
  say("made the system call number ");
  say(digits + at);
  ::_exit(0);
}

sock_filter statement(unsigned code, std::uint32_t value) { return BPF_STMT(static_cast<std::uint16_t>(code), value); }
sock_filter jump_if_equal(std::uint32_t value, std::uint8_t skip_true, std::uint8_t skip_false) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, skip_true, skip_false);
}
sock_filter load_argument(std::size_t index) {
  return statement(BPF_LD | BPF_W | BPF_ABS,
                   static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8 * index));  // low half, little endian
}

// Ends with `equal` when argument number `index` of `call` is `value`, with `other` when it is not.
void decide_by_argument(std::vector<sock_filter>& program, long call, std::size_t index, std::uint32_t value,
                        std::uint32_t equal, std::uint32_t other) {
  program.push_back(jump_if_equal(static_cast<std::uint32_t>(call), 0, 4));
  program.push_back(load_argument(index));
  program.push_back(jump_if_equal(value, 0, 1));
  program.push_back(statement(BPF_RET | BPF_K, equal));
  program.push_back(statement(BPF_RET | BPF_K, other));
}

std::vector<sock_filter> filter_program(int verdict_fd) {
  std::vector<sock_filter> program;
  program.push_back(statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)));
  program.push_back(jump_if_equal(own_architecture, 1, 0));
  program.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_TRAP));
  program.push_back(statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const long call : allowed_calls) {
    program.push_back(jump_if_equal(static_cast<std::uint32_t>(call), 0, 1));
    program.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  }
  // fstat of an open file
  decide_by_argument(program, SYS_newfstatat, 3, AT_EMPTY_PATH, SECCOMP_RET_ALLOW, SECCOMP_RET_TRAP);
  if (HEIRLOOM_IS_SANITIZED == 0) {
    decide_by_argument(program, SYS_write, 0, static_cast<std::uint32_t>(verdict_fd), SECCOMP_RET_ALLOW,
                       SECCOMP_RET_TRAP);
  } else {
    // A sanitizer reports on the error stream, and tries addresses out by writing them into a pipe.
    decide_by_argument(program, SYS_write, 0, STDOUT_FILENO, SECCOMP_RET_TRAP, SECCOMP_RET_ALLOW);
    for (const long call : {SYS_pipe2, SYS_close}) {
      program.push_back(jump_if_equal(static_cast<std::uint32_t>(call), 0, 1));
      program.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    }
  }
  program.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_TRAP));
  return program;
}

}  // namespace

bool install_syscall_filter(int verdict_fd) {
  handler_verdict_fd = verdict_fd;
  struct sigaction action = {};
  action.sa_sigaction = on_forbidden_call;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  if (::sigaction(SIGSYS, &action, nullptr) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return false;
  std::vector<sock_filter> program = filter_program(verdict_fd);
  const sock_fprog loaded{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &loaded, 0, 0) == 0;
}

bool is_syscall_filter_available() {
  // A null program is refused with EFAULT where filters exist, and with EINVAL where they do not.
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, nullptr, 0, 0) == -1 && errno == EFAULT;
}

}  // namespace heirloom::conform

#else

namespace heirloom::conform {
bool install_syscall_filter(int) { return false; }
bool is_syscall_filter_available() { return false; }
}  // namespace heirloom::conform

#endif
