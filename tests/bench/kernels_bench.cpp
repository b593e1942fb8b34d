// How near each kernel is to a streaming copy: time of the kernel over time of reading and writing as many bytes by
// plain loops, measured in turn in the same run, on one thread and buffers larger than the caches. Where
// HEIRLOOM_LLAMA_CPP_DIR names a folder with libggml-base.so, q8_0 and q4_0 are also measured against
// ggml_quantize_chunk.
//   kernels_bench [--json] [--mib N]
#include "engine/kernels/kernels.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace {

using heirloom::kernels::Kernels;
using heirloom::kernels::supported;

struct Decoder {
  const char* name;
  void (*Kernels::*kernel)(const std::uint8_t*, float*, std::size_t) noexcept;
  std::size_t elements, bytes;
};
struct Encoder {
  const char* name;
  void (*Kernels::*kernel)(const float*, std::uint8_t*, std::size_t) noexcept;
  std::size_t elements, bytes;
  int ggml_type;  // or -1
};

constexpr std::array decoders{
    Decoder{"decode f16", &Kernels::f16_to_f32, 1, 2},
    Decoder{"decode bf16", &Kernels::bf16_to_f32, 1, 2},
    Decoder{"decode f8_e4m3", &Kernels::f8_e4m3_to_f32, 1, 1},
    Decoder{"decode f8_e5m2", &Kernels::f8_e5m2_to_f32, 1, 1},
    Decoder{"f64 to f32", &Kernels::f64_to_f32, 1, 8},
    Decoder{"f64 to f32 odd", &Kernels::f64_to_f32_odd, 1, 8},
    Decoder{"decode q8_0", &Kernels::decode_q8_0, 32, 34},
    Decoder{"decode q4_0", &Kernels::decode_q4_0, 32, 18},
};
constexpr std::array encoders{
    Encoder{"encode f16", &Kernels::f32_to_f16, 1, 2, -1},
    Encoder{"encode bf16", &Kernels::f32_to_bf16, 1, 2, -1},
    Encoder{"encode f8_e4m3", &Kernels::f32_to_f8_e4m3, 1, 1, -1},
    Encoder{"encode f8_e5m2", &Kernels::f32_to_f8_e5m2, 1, 1, -1},
    Encoder{"encode q8_0", &Kernels::encode_q8_0, 32, 34, 8},
    Encoder{"encode q4_0", &Kernels::encode_q4_0, 32, 18, 2},
};

using Quantize = std::size_t (*)(int, const float*, void*, std::int64_t, std::int64_t, std::int64_t, const float*);

Quantize load_ggml() {
  const char* directory = std::getenv("HEIRLOOM_LLAMA_CPP_DIR");
  if (directory == nullptr)
    return nullptr;
  void* library = dlopen((std::string(directory) + "/libggml-base.so").c_str(), RTLD_NOW);
  return library == nullptr ? nullptr : reinterpret_cast<Quantize>(dlsym(library, "ggml_quantize_chunk"));
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

volatile std::uint64_t read_sum;

// Reads and writes these many bytes in step, by plain loops of words: the library's copies change their method with
// size and alignment, and this yardstick is not to.
void stream(const std::uint8_t* src, std::size_t read_bytes, std::uint8_t* dst, std::size_t write_bytes) {
  constexpr std::size_t piece_bytes = 8192;
  const std::size_t pieces = std::max<std::size_t>(1, std::max(read_bytes, write_bytes) / piece_bytes);
  const std::size_t read = read_bytes / pieces / 8;
  const std::size_t write = write_bytes / pieces / 8;
  const std::size_t both = std::min(read, write);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < pieces; ++i) {
    const auto* from = reinterpret_cast<const std::uint64_t*>(src) + read * i;
    auto* to = reinterpret_cast<std::uint64_t*>(dst) + write * i;
    for (std::size_t j = 0; j < both; ++j) to[j] = from[j];
    for (std::size_t j = both; j < read; ++j) sum += from[j];
    for (std::size_t j = both; j < write; ++j) to[j] = sum;
  }
  read_sum = sum;
}

struct Measured {
  std::string kernel, row;
  double gib_per_s;         // read and written
  double over_copy;         // time of the kernel / time of the copy
  double ggml_over_kernel;  // how many times faster than ggml; 0 where not measured
};

// The work and the copy take turns; the fastest of each counts.
Measured measure(const std::string& kernel, const Kernels& row, std::size_t bytes, const std::function<void()>& work,
                 const std::function<void()>& copy, const std::function<void()>& ggml) {
  double best = 1e9, best_copy = 1e9, best_ggml = 1e9;
  for (int round = 0; round < 15; ++round) {
    best = std::min(best, seconds_of(work));
    best_copy = std::min(best_copy, seconds_of(copy));
    if (ggml && round < 3)
      best_ggml = std::min(best_ggml, seconds_of(ggml));
  }
  return {kernel, std::string(row.name), static_cast<double>(bytes) / best / (1 << 30), best / best_copy,
          ggml ? best_ggml / best : 0.0};
}

struct Buffers {
  std::vector<float> numbers;
  std::vector<std::uint8_t> codes;

  explicit Buffers(std::size_t n) : numbers(n), codes(8 * n) {
    std::mt19937_64 random(1);
    for (float& number : numbers)
      number = (static_cast<float>(random() % 65536) + static_cast<float>(random() % 65536) - 65536.0f) * 1e-6f;
    for (std::size_t i = 0; i + 8 <= codes.size(); i += 8) {
      const std::uint64_t bits = (random() & 0xbfff'bfff'bfff'bfff) | 0x2000'2000'2000'2000;
      std::memcpy(codes.data() + i, &bits, 8);
    }
  }
};

std::vector<Measured> measure_all(std::size_t n, Quantize quantize) {
  Buffers buffers(n);
  const std::vector<float> input = buffers.numbers;
  auto* const numbers = reinterpret_cast<std::uint8_t*>(buffers.numbers.data());
  std::vector<Measured> results;
  for (const Kernels* row : supported()) {
    for (const Decoder& decoder : decoders) {
      const std::size_t bytes = n / decoder.elements * decoder.bytes;
      results.push_back(measure(
          decoder.name, *row, bytes + 4 * n,
          [&] { (row->*decoder.kernel)(buffers.codes.data(), buffers.numbers.data(), n); },
          [&] { stream(buffers.codes.data(), bytes, numbers, 4 * n); }, nullptr));
    }
    for (const Encoder& encoder : encoders) {
      const std::size_t bytes = n / encoder.elements * encoder.bytes;
      std::function<void()> ggml;
      if (quantize != nullptr && encoder.ggml_type >= 0)
        ggml = [&] {
          quantize(encoder.ggml_type, input.data(), buffers.codes.data(), 0, static_cast<std::int64_t>(n / 4096), 4096,
                   nullptr);
        };
      results.push_back(measure(
          encoder.name, *row, bytes + 4 * n, [&] { (row->*encoder.kernel)(input.data(), buffers.codes.data(), n); },
          [&] { stream(reinterpret_cast<const std::uint8_t*>(input.data()), 4 * n, buffers.codes.data(), bytes); },
          ggml));
    }
  }
  return results;
}

void print_json(const std::vector<Measured>& results) {
  std::printf("[");
  for (std::size_t i = 0; i < results.size(); ++i)
    std::printf(
        "%s\n  {\"kernel\": \"%s\", \"row\": \"%s\", \"gib_per_s\": %.3f, \"time_over_copy\": %.3f, "
        "\"speedup_over_ggml\": %.3f}",
        i == 0 ? "" : ",", results[i].kernel.c_str(), results[i].row.c_str(), results[i].gib_per_s,
        results[i].over_copy, results[i].ggml_over_kernel);
  std::printf("\n]\n");
}

void print_table(const std::vector<Measured>& results) {
  std::printf("%-16s %-8s %10s %12s %12s\n", "kernel", "row", "GiB/s", "time / copy", "ggml / time");
  for (const Measured& result : results) {
    std::printf("%-16s %-8s %10.2f %12.2f", result.kernel.c_str(), result.row.c_str(), result.gib_per_s,
                result.over_copy);
    if (result.ggml_over_kernel > 0)
      std::printf(" %12.2f", result.ggml_over_kernel);
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  bool is_json = false;
  std::size_t mib = 64;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--json") {
      is_json = true;
    } else if (argument == "--mib" && i + 1 < argc) {
      mib = std::clamp<std::size_t>(std::strtoull(argv[++i], nullptr, 10), 1, 4096);
    } else {
      std::fprintf(stderr, "usage: kernels_bench [--json] [--mib N]\n");
      return 2;
    }
  }
  const std::vector<Measured> results = measure_all(mib << 18, load_ggml());
  is_json ? print_json(results) : print_table(results);
}
