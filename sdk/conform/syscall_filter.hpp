// What a plugin's code may ask of the kernel while a case runs: memory, time, and nothing else. A forbidden call ends
// the process with a verdict on `verdict_fd` that says what the plugin did. Linux on x86-64 and arm64; elsewhere the
// filter is absent and install() says so. For the child process only.
#pragma once

#include <string_view>

namespace heirloom::conform {

inline constexpr char verdict_ok = 'o';
inline constexpr char verdict_failed = 'F';

// False when this kernel has no such filter. Cannot be undone.
bool install_syscall_filter(int verdict_fd);

// Whether the filter works here at all; asked by the parent, changes nothing.
bool is_syscall_filter_available();

}  // namespace heirloom::conform
