// HEIRLOOM_IS_SANITIZED is 1 where an address or thread sanitizer is built in: it reserves terabytes of address space,
// reports on the standard error stream, and replaces the allocator.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HEIRLOOM_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HEIRLOOM_IS_SANITIZED 1
#endif
#endif
#if !defined(HEIRLOOM_IS_SANITIZED)
#define HEIRLOOM_IS_SANITIZED 0
#endif
