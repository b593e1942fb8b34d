#include "engine/run/spread.hpp"

#include "engine/base/arena.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

namespace heirloom::run {

Result<void> spread(std::size_t threads, std::size_t count, const base::Log& log,
                    const std::function<Result<void>(std::size_t job, std::size_t worker)>& job) {
  std::atomic<std::size_t> next{0}, failed{SIZE_MAX};
  std::mutex mutex;
  std::optional<Error> failure;
  base::run_workers(std::min(threads, std::max<std::size_t>(1, count)), [&](std::size_t worker) {
    for (std::size_t i = next++; i < count && i < failed; i = next++) {
      auto done = log.cancelled() ? Result<void>(fail(Code::cancelled, "stopped by the user")) : job(i, worker);
      if (done)
        continue;
      const std::lock_guard lock(mutex);
      if (i < failed) {
        failure = std::move(done).error();
        failed = i;
      }
    }
  });
  if (failure)
    return fail(std::move(*failure));
  return {};
}

}  // namespace heirloom::run
