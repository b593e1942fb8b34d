// Independent jobs over threads. Of several failures the lowest job's is reported, whatever the threads' timing.
#pragma once

#include "engine/base/log.hpp"
#include "heirloom/result.hpp"

#include <cstddef>
#include <functional>

namespace heirloom::run {

// Calls job(i, worker) for each i in [0, count); `worker` is below `threads`, and one worker does one job at a time. Cancelled
// when the log says so.
Result<void> spread(std::size_t threads, std::size_t count, const base::Log& log,
                    const std::function<Result<void>(std::size_t job, std::size_t worker)>& job);

}  // namespace heirloom::run
