#include "engine/base/arena.hpp"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <limits>
#include <thread>
#include <vector>

// The thread sanitizer does not see into the packaged oneTBB, so it would report every hand-over as a race: under it,
// plain threads stand in for the arena, and what the workers share among themselves is still checked.
#if defined(__SANITIZE_THREAD__)
#define HEIRLOOM_PLAIN_THREADS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HEIRLOOM_PLAIN_THREADS 1
#endif
#endif

namespace heirloom::base {

namespace tbb = oneapi::tbb;

std::size_t default_threads() { return static_cast<std::size_t>(std::max(1, tbb::info::default_concurrency())); }

void run_workers(std::size_t threads, const std::function<void(std::size_t index)>& worker) {
  threads = std::clamp<std::size_t>(threads, 1, std::numeric_limits<int>::max());
  if (threads == 1)
    return worker(0);
#if defined(HEIRLOOM_PLAIN_THREADS)
  std::vector<std::jthread> others;
  for (std::size_t index = 1; index < threads; ++index)
    others.emplace_back([&worker, index] { worker(index); });
  worker(0);
#else
  // The control lifts the default limit, which is the number of cores.
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, threads);
  tbb::task_arena arena(static_cast<int>(threads));
  arena.execute([&] {
    tbb::parallel_for(
        tbb::blocked_range<std::size_t>(0, threads, 1),
        [&](const tbb::blocked_range<std::size_t>& range) {
          for (std::size_t index = range.begin(); index != range.end(); ++index) worker(index);
        },
        tbb::simple_partitioner());
  });
#endif
}

}  // namespace heirloom::base
