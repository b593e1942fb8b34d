// Against ggml itself, where HEIRLOOM_LLAMA_CPP_DIR names a folder with libggml-base.so.
#include "tests/unit/encoding/support.hpp"

#include <dlfcn.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

namespace {

using namespace heirloom::encoding::test;
namespace kernels = heirloom::kernels;

struct Ggml {
  using Quantize = std::size_t (*)(int type, const float* src, void* dst, std::int64_t start, std::int64_t n_rows,
                                   std::int64_t n_per_row, const float* imatrix);
  using Dequantize = void (*)(const void* src, float* dst, std::int64_t n);
  using Narrow = void (*)(const float* src, void* dst, std::int64_t n);

  Quantize quantize = nullptr;
  std::array<Dequantize, 4> dequantize{};
  std::array<Narrow, 2> narrow{};
};

struct Type {
  const char* id;
  int ggml_type;
};
constexpr std::array types{Type{"q4_0", 2}, Type{"q8_0", 8}};

template <class Function>
Function symbol(void* library, const char* name) {
  return reinterpret_cast<Function>(dlsym(library, name));
}

// Stays loaded until the process ends. Without the library the members are null and one line says so.
Ggml load_ggml() {
  const char* directory = std::getenv("HEIRLOOM_LLAMA_CPP_DIR");
  void* library =
      directory == nullptr ? nullptr : dlopen((std::string(directory) + "/libggml-base.so").c_str(), RTLD_NOW);
  if (library == nullptr) {
    std::printf("1 group of tests skipped: HEIRLOOM_LLAMA_CPP_DIR names no folder with libggml-base.so\n");
    return {};
  }
  Ggml ggml;
  ggml.quantize = symbol<Ggml::Quantize>(library, "ggml_quantize_chunk");
  ggml.dequantize = {symbol<Ggml::Dequantize>(library, "dequantize_row_q4_0"),
                     symbol<Ggml::Dequantize>(library, "dequantize_row_q8_0"),
                     symbol<Ggml::Dequantize>(library, "ggml_fp16_to_fp32_row"),
                     symbol<Ggml::Dequantize>(library, "ggml_bf16_to_fp32_row")};
  ggml.narrow = {symbol<Ggml::Narrow>(library, "ggml_fp32_to_fp16_row"),
                 symbol<Ggml::Narrow>(library, "ggml_fp32_to_bf16_row_ref")};
  return ggml;
}

const Ggml& ggml() {
  static const Ggml loaded = load_ggml();
  return loaded;
}

std::uint64_t seed() {
  const char* text = std::getenv("HEIRLOOM_TEST_SEED");
  return text == nullptr ? 41 : std::strtoull(text, nullptr, 10);
}

enum class Distribution { normal, coarse, wide, spiky, any_bits, count };

float number(std::mt19937_64& random, Distribution distribution) {
  const auto uniform = [&] { return static_cast<double>(random() >> 11) * 0x1p-53 - 0.5; };
  switch (distribution) {
    case Distribution::normal:
      return static_cast<float>(0.02 * (uniform() + uniform() + uniform() + uniform()));
    case Distribution::coarse:
      return static_cast<float>(static_cast<std::int64_t>(random() % 33) - 16) / 16;
    case Distribution::wide:
      return static_cast<float>(std::ldexp(uniform(), static_cast<int>(random() % 270) - 150));
    case Distribution::spiky:
      return random() % 40 == 0  ? static_cast<float>(100 * uniform())
             : random() % 3 == 0 ? 0.0f
                                 : static_cast<float>(uniform());
    default:
      return std::bit_cast<float>(static_cast<std::uint32_t>(random()));
  }
}

}  // namespace

TEST_CASE("q8_0 and q4_0 are ggml's for random shapes, distributions and seeds") {
  if (ggml().quantize == nullptr)
    return;
  std::printf("seed %llu (HEIRLOOM_TEST_SEED)\n", static_cast<unsigned long long>(seed()));
  std::mt19937_64 random(seed());
  for (int round = 0; round < 400; ++round)
    for (const Type& type : types) {
      const auto distribution = static_cast<Distribution>(round % static_cast<int>(Distribution::count));
      const std::size_t rows = 1 + random() % 9;
      const std::size_t columns = 32 * (1 + random() % 40);
      std::vector<float> input(rows * columns);
      for (float& value : input) value = number(random, distribution);
      Bytes expected = encode(kernels::scalar_kernels, type.id, input);
      std::fill(expected.begin(), expected.end(), std::uint8_t{0});
      ggml().quantize(type.ggml_type, input.data(), expected.data(), 0, static_cast<std::int64_t>(rows),
                      static_cast<std::int64_t>(columns), nullptr);
      std::vector<float> numbers(input.size());
      ggml().dequantize[type.ggml_type == 2 ? 0 : 1](expected.data(), numbers.data(),
                                                     static_cast<std::int64_t>(numbers.size()));
      for (const kernels::Kernels* isa : kernels::supported()) {
        CAPTURE(type.id);
        CAPTURE(round);
        CAPTURE(isa->name);
        CHECK(encode(*isa, type.id, input) == expected);
        CHECK(bytes_of(decode(*isa, type.id, expected)) == bytes_of(numbers));
      }
    }
}

TEST_CASE("f16 and bf16 are ggml's for all numbers, bf16 for NaN too") {
  if (ggml().quantize == nullptr)
    return;
  std::mt19937_64 random(seed());
  constexpr std::array ids{"f16", "bf16"};
  for (std::size_t k = 0; k < ids.size(); ++k) {
    std::vector<float> input;
    while (input.size() < 1 << 16) {
      const float value = number(random, input.size() % 2 == 0 ? Distribution::any_bits : Distribution::wide);
      if (!std::isnan(value) || k == 1)
        input.push_back(value);
    }
    Bytes expected(2 * input.size());
    ggml().narrow[k](input.data(), expected.data(), static_cast<std::int64_t>(input.size()));
    std::vector<float> numbers(input.size());
    ggml().dequantize[2 + k](expected.data(), numbers.data(), static_cast<std::int64_t>(input.size()));
    for (const kernels::Kernels* isa : kernels::supported()) {
      CAPTURE(ids[k]);
      CAPTURE(isa->name);
      CHECK(encode(*isa, ids[k], input) == expected);
      CHECK(bytes_of(decode(*isa, ids[k], expected)) == bytes_of(numbers));
    }
  }
}
