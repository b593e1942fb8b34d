#include "engine/kernels/sha256_rows.hpp"

#ifdef HEIRLOOM_KERNELS_SHA
#include <cpuid.h>
#endif

namespace heirloom::kernels {
namespace {

#ifdef HEIRLOOM_KERNELS_SHA
// CPUID: leaf 1 has SSE4.1 (and with it SSSE3) in ECX bit 19, leaf 7 has SHA in EBX bit 29.
bool has_sha() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c >> 19 & 1) == 0)
    return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b >> 29 & 1) != 0;
}
#endif

}  // namespace

const Sha256Blocks* sha256_blocks() noexcept {
#ifdef HEIRLOOM_KERNELS_SHA
  static const bool is_there = has_sha();
  return is_there ? &sha256_x86_kernels : nullptr;
#else
  return nullptr;
#endif
}

}  // namespace heirloom::kernels
