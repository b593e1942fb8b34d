#include "allocations.hpp"

#include "sanitized.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>

#if HEIRLOOM_IS_SANITIZED

extern "C" std::size_t __sanitizer_get_current_allocated_bytes();

namespace heirloom::conform {
bool are_peaks_counted() { return false; }
std::uint64_t live_bytes() { return __sanitizer_get_current_allocated_bytes(); }
std::uint64_t peak_bytes() { return live_bytes(); }
void reset_peak() {}
}  // namespace heirloom::conform

#elif defined(__GLIBC__)

#include <malloc.h>

namespace {

// The one mutable global: the C library's allocator has no other place for it.
std::atomic<std::uint64_t> live{0};
std::atomic<std::uint64_t> peak{0};

void note_request(std::uint64_t size) {
  const std::uint64_t wanted = live.load(std::memory_order_relaxed) + size;
  std::uint64_t seen = peak.load(std::memory_order_relaxed);
  while (wanted > seen && !peak.compare_exchange_weak(seen, wanted, std::memory_order_relaxed)) {
  }
}

void* note_given(void* block) {
  if (block != nullptr)
    live.fetch_add(malloc_usable_size(block), std::memory_order_relaxed);
  return block;
}

void note_freed(void* block) {
  if (block != nullptr)
    live.fetch_sub(malloc_usable_size(block), std::memory_order_relaxed);
}

}  // namespace

// These stand in front of the C library's allocator for the whole process, plugins included.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);

__attribute__((visibility("default"))) void* malloc(std::size_t size) noexcept {
  note_request(size);
  return note_given(__libc_malloc(size));
}
__attribute__((visibility("default"))) void* calloc(std::size_t count, std::size_t size) noexcept {
  std::size_t bytes = 0;
  note_request(__builtin_mul_overflow(count, size, &bytes) ? PTRDIFF_MAX : bytes);
  return note_given(__libc_calloc(count, size));
}
__attribute__((visibility("default"))) void* realloc(void* block, std::size_t size) noexcept {
  note_request(size);
  const std::uint64_t before = block == nullptr ? 0 : malloc_usable_size(block);
  void* const moved = __libc_realloc(block, size);
  if (moved != nullptr || size == 0)
    live.fetch_sub(before, std::memory_order_relaxed);
  return note_given(moved);
}
__attribute__((visibility("default"))) void free(void* block) noexcept {
  note_freed(block);
  __libc_free(block);
}
__attribute__((visibility("default"))) void* memalign(std::size_t alignment, std::size_t size) noexcept {
  note_request(size);
  return note_given(__libc_memalign(alignment, size));
}
__attribute__((visibility("default"))) void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return memalign(alignment, size);
}
__attribute__((visibility("default"))) int posix_memalign(void** out, std::size_t alignment,
                                                          std::size_t size) noexcept {
  void* const block = memalign(alignment, size);
  if (block == nullptr)
    return ENOMEM;
  *out = block;
  return 0;
}
}  // extern "C"

namespace heirloom::conform {
bool are_peaks_counted() { return true; }
std::uint64_t live_bytes() { return live.load(std::memory_order_relaxed); }
std::uint64_t peak_bytes() { return peak.load(std::memory_order_relaxed); }
void reset_peak() { peak.store(live_bytes(), std::memory_order_relaxed); }
}  // namespace heirloom::conform

#else

namespace heirloom::conform {
bool are_peaks_counted() { return false; }
std::uint64_t live_bytes() { return 0; }
std::uint64_t peak_bytes() { return 0; }
void reset_peak() {}
}  // namespace heirloom::conform

#endif
