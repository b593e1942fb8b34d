// What the process owes itself before any command runs: its standard descriptors, and signals that are errors instead.
#pragma once

namespace heirloom::cli {

// Opens /dev/null until the descriptors 0 to 2 are taken, so that no file of a command gets the number of standard
// output or error. False when that cannot be done.
bool hold_standard_descriptors();

// A closed pipe and a file beyond the size limit become errors of the write.
void ignore_write_signals();

// SIGINT, SIGTERM and SIGHUP show as is_interrupted(); the second one ends the program at once. A SIGHUP that is ignored
// already stays so (nohup).
void watch_interrupts();
bool is_interrupted();

}  // namespace heirloom::cli
