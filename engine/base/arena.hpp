// One arena of threads for a whole run. run_workers() calls `worker` once per thread, at most `threads` at a time, and
// returns when all have; the calling thread takes part. A worker must be able to finish alone: the system may start
// fewer threads than asked for.
#pragma once

#include <cstddef>
#include <functional>

namespace heirloom::base {

std::size_t default_threads();  // cores this process may use

void run_workers(std::size_t threads, const std::function<void(std::size_t index)>& worker);

}  // namespace heirloom::base
