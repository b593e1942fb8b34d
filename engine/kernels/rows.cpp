#include "engine/kernels/rows.hpp"

#if defined(HEIRLOOM_KERNELS_AVX2)
#include <cpuid.h>
#endif

#include <array>
#include <cstdlib>

namespace heirloom::kernels {
namespace {

#if defined(HEIRLOOM_KERNELS_AVX2)
// The builtin asks CPUID and, for AVX, whether the operating system saves the wide registers (XGETBV).
bool has_avx2() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0)
    return false;
  const bool has_f16c = (ecx & bit_F16C) != 0;
  __builtin_cpu_init();
  return has_f16c && __builtin_cpu_supports("avx2") != 0;
}
#endif

#if defined(HEIRLOOM_KERNELS_AVX512)
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
}
#endif

struct Supported {
  std::array<const Kernels*, 4> rows{};
  std::size_t count = 0;

  void add(const Kernels& row) { rows[count++] = &row; }
};

Supported ask_the_cpu() {
  Supported found;
  found.add(scalar_kernels);
#if defined(HEIRLOOM_KERNELS_AVX512)
  if (has_avx2() && has_avx512())
    found.add(avx512_kernels);
#endif
#if defined(HEIRLOOM_KERNELS_AVX2)
  if (has_avx2())
    found.add(avx2_kernels);
#endif
#if defined(HEIRLOOM_KERNELS_NEON)
  found.add(neon_kernels);  // every 64-bit ARM has it
#endif
  return found;
}

}  // namespace

std::span<const Kernels* const> supported() {
  static const Supported found = ask_the_cpu();
  return {found.rows.data(), found.count};
}

const Kernels* find_row(std::string_view name) {
  for (const Kernels* row : supported())
    if (row->name == name)
      return row;
  return nullptr;
}

const Kernels* chosen() {
  static const Kernels* const row = [] {
    const char* forced = std::getenv("HEIRLOOM_ISA");
    return forced == nullptr || *forced == '\0' ? supported().back() : find_row(forced);
  }();
  return row;
}

}  // namespace heirloom::kernels
