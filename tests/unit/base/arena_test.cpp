#include "engine/base/arena.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace base = heirloom::base;

TEST_CASE("every worker runs once, with its own index") {
  for (const std::size_t threads : {0u, 1u, 2u, 7u, 64u}) {
    std::mutex mutex;
    std::vector<std::size_t> seen;
    base::run_workers(threads, [&](std::size_t index) {
      const std::lock_guard lock(mutex);
      seen.push_back(index);
    });
    std::sort(seen.begin(), seen.end());
    REQUIRE(seen.size() == std::max<std::size_t>(1, threads));
    for (std::size_t i = 0; i < seen.size(); ++i) CHECK(seen[i] == i);
  }
}

TEST_CASE("more threads than cores run at the same time when they are asked for") {
  // Each worker waits for the others; the bound on the wait lets a failure end.
  constexpr int threads = 8;
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  base::run_workers(threads, [&](std::size_t) {
    ++inside;
    for (int turn = 0; turn < 2'000'000 && most < threads; ++turn) {
      most = std::max(most.load(), inside.load());
      std::this_thread::yield();
    }
    --inside;
  });
  CHECK(most == threads);
}

TEST_CASE("no more threads run than were asked for") {
  std::atomic<int> inside = 0;
  std::atomic<bool> is_exceeded = false;
  base::run_workers(3, [&](std::size_t) {
    if (++inside > 3)
      is_exceeded = true;
    std::this_thread::yield();
    --inside;
  });
  CHECK_FALSE(is_exceeded);
}

TEST_CASE("the default is at least one thread") { CHECK(base::default_threads() >= 1); }
