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

struct Type {
  const char* id;
  int ggml_type;
};
struct BlockType : Type {
  const char* dequantize;
  bool is_weighted;
};
constexpr std::array grid_types{
    BlockType{{"iq2_xxs", 16}, "dequantize_row_iq2_xxs", true},
    BlockType{{"iq2_xs", 17}, "dequantize_row_iq2_xs", true},
    BlockType{{"iq2_s", 22}, "dequantize_row_iq2_s", true},
    BlockType{{"iq3_s", 21}, "dequantize_row_iq3_s", true},
    BlockType{{"iq3_xxs", 18}, "dequantize_row_iq3_xxs", true},
    BlockType{{"iq1_s", 19}, "dequantize_row_iq1_s", true},
    BlockType{{"iq1_m", 29}, "dequantize_row_iq1_m", true},
};
constexpr std::array block_types{
    BlockType{{"q4_0", 2}, "dequantize_row_q4_0", true},      BlockType{{"q4_1", 3}, "dequantize_row_q4_1", true},
    BlockType{{"q5_0", 6}, "dequantize_row_q5_0", true},      BlockType{{"q5_1", 7}, "dequantize_row_q5_1", true},
    BlockType{{"q2_k", 10}, "dequantize_row_q2_K", true},     BlockType{{"q3_k", 11}, "dequantize_row_q3_K", true},
    BlockType{{"q4_k", 12}, "dequantize_row_q4_K", true},     BlockType{{"q5_k", 13}, "dequantize_row_q5_K", true},
    BlockType{{"q6_k", 14}, "dequantize_row_q6_K", true},     BlockType{{"iq4_nl", 20}, "dequantize_row_iq4_nl", true},
    BlockType{{"iq4_xs", 23}, "dequantize_row_iq4_xs", true}, BlockType{{"tq1_0", 34}, "dequantize_row_tq1_0", false},
    BlockType{{"tq2_0", 35}, "dequantize_row_tq2_0", false},  BlockType{{"mxfp4", 39}, "dequantize_row_mxfp4", false},
    BlockType{{"nvfp4", 40}, "dequantize_row_nvfp4", false},  BlockType{{"q1_0", 41}, "dequantize_row_q1_0", false},
    BlockType{{"q2_0", 42}, "dequantize_row_q2_0", false},
};
struct Ggml {
  using Quantize = std::size_t (*)(int type, const float* src, void* dst, std::int64_t start, std::int64_t n_rows,
                                   std::int64_t n_per_row, const float* imatrix);
  using Dequantize = void (*)(const void* src, float* dst, std::int64_t n);
  using Narrow = void (*)(const float* src, void* dst, std::int64_t n);

  Quantize quantize = nullptr;
  std::array<Dequantize, 4> dequantize{};
  std::array<Dequantize, block_types.size()> dequantize_blocks{};
  std::array<Dequantize, grid_types.size()> dequantize_grid{};
  std::array<Narrow, 2> narrow{};
  bool (*requires_importance)(int type) = nullptr;
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
  for (std::size_t i = 0; i < block_types.size(); ++i)
    ggml.dequantize_blocks[i] = symbol<Ggml::Dequantize>(library, block_types[i].dequantize);
  for (std::size_t i = 0; i < grid_types.size(); ++i)
    ggml.dequantize_grid[i] = symbol<Ggml::Dequantize>(library, grid_types[i].dequantize);
  ggml.requires_importance = symbol<bool (*)(int)>(library, "ggml_quantize_requires_imatrix");
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

// Weights as they are in models and as they are hard: few different values, one magnitude far from the others, groups
// of zeros, values of one sign close to each other, magnitudes from subnormal to 2^40.
float block_number(std::mt19937_64& random, int kind, std::size_t i) {
  const auto uniform = [&] { return static_cast<double>(random() >> 11) * 0x1p-53 - 0.5; };
  switch (kind) {
    case 0:
      return number(random, Distribution::normal);
    case 1:
      return number(random, Distribution::coarse);
    case 2:
      return number(random, Distribution::spiky);
    case 3:
      return static_cast<float>(std::ldexp(uniform(), static_cast<int>(random() % 180) - 140));
    case 4:
      return static_cast<float>((i / 32 % 2 == 0 ? 1 : -1) *
                                (0.5 + uniform() * std::ldexp(1.0, -(static_cast<int>(i / 64 % 24)))));
    case 5:
      return random() % 2 == 0 ? 0.75f : i / 16 % 3 == 0 ? 0.0f : i / 16 % 3 == 1 ? -0.25f : 0.749f;
    case 6:
      return i / 16 % 2 == 0 ? 0.0f : static_cast<float>(uniform());
    default:
      return static_cast<float>(std::ldexp(uniform(), static_cast<int>(i / 16 % 170) - 150));
  }
}
constexpr int block_kinds = 8;

Bytes quantized(const BlockType& type, const std::vector<float>& input, const std::vector<float>& importance,
                std::size_t columns) {
  const auto& to = codec(type.id);
  Bytes bytes(input.size() / to.block_elements * to.block_bytes);
  ggml().quantize(type.ggml_type, input.data(), bytes.data(), 0, static_cast<std::int64_t>(input.size() / columns),
                  static_cast<std::int64_t>(columns), importance.empty() ? nullptr : importance.data());
  return bytes;
}

TEST_CASE("block encodings are ggml's for random shapes, distributions and seeds, with and without importance") {
  if (ggml().quantize == nullptr)
    return;
  std::printf("seed %llu (HEIRLOOM_TEST_SEED)\n", static_cast<unsigned long long>(seed()));
  std::mt19937_64 random(seed());
  // HEIRLOOM_TEST_ROUNDS asks for a longer search.
  const char* rounds_text = std::getenv("HEIRLOOM_TEST_ROUNDS");
  const int rounds = rounds_text == nullptr ? 64 : std::atoi(rounds_text);
  for (int round = 0; round < rounds; ++round) {
    const int kind = round % block_kinds;
    const std::size_t rows = 1 + random() % 3;
    const std::size_t columns = 256 * (1 + random() % 8);
    std::vector<float> input(rows * columns);
    std::vector<float> importance(columns);
    for (std::size_t i = 0; i < input.size(); ++i) input[i] = block_number(random, kind, i);
    for (float& value : importance)
      value = static_cast<float>(std::ldexp(1.0, static_cast<int>(random() % 12)) *
                                 (static_cast<double>(random() >> 11) * 0x1p-53 + 1e-3));
    for (std::size_t t = 0; t < block_types.size(); ++t) {
      const BlockType& type = block_types[t];
      const Bytes expected = quantized(type, input, {}, columns);
      const Bytes weighted = quantized(type, input, importance, columns);
      std::vector<float> numbers(input.size());
      ggml().dequantize_blocks[t](expected.data(), numbers.data(), static_cast<std::int64_t>(numbers.size()));
      for (const kernels::Kernels* isa : kernels::supported()) {
        CAPTURE(type.id);
        CAPTURE(round);
        CAPTURE(kind);
        CAPTURE(isa->name);
        CHECK(encode(*isa, type.id, input) == expected);
        CHECK(bytes_of(decode(*isa, type.id, expected)) == bytes_of(numbers));
        if (type.is_weighted)
          CHECK(encode_weighted(*isa, type.id, input, importance) == weighted);
        else
          CHECK(weighted == expected);
      }
    }
  }
}

TEST_CASE("the four-bit floating point encodings take ggml's scales around every power of two") {
  if (ggml().quantize == nullptr)
    return;
  std::vector<float> input;
  for (std::uint32_t power = 0x0080'0000; power <= 0x7f00'0000; power += 0x0080'0000)
    for (std::uint32_t below = 0; below < 100; ++below) {
      input.push_back(std::bit_cast<float>(power - below));
      input.resize(input.size() + 63, 0.0f);
    }
  for (const BlockType& type : block_types)
    if (std::string_view(type.id).ends_with("fp4"))
      for (const kernels::Kernels* isa : kernels::supported()) {
        CAPTURE(type.id);
        CAPTURE(isa->name);
        const bool is_same = encode(*isa, type.id, input) == quantized(type, input, {}, 64);
        CHECK(is_same);
      }
}

// Every block is possible. NaN has no particular bits.
void check_decode(const BlockType& type, Ggml::Dequantize dequantize, const Bytes& bytes) {
  std::vector<float> expected(bytes.size() / codec(type.id).block_bytes * codec(type.id).block_elements);
  dequantize(bytes.data(), expected.data(), static_cast<std::int64_t>(expected.size()));
  for (const kernels::Kernels* isa : kernels::supported()) {
    CAPTURE(type.id);
    CAPTURE(isa->name);
    const std::vector<float> numbers = decode(*isa, type.id, bytes);
    std::size_t different = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const bool is_same = std::bit_cast<std::uint32_t>(numbers[i]) == std::bit_cast<std::uint32_t>(expected[i]);
      if (!is_same && !(std::isnan(numbers[i]) && std::isnan(expected[i])))
        ++different;
    }
    CHECK(different == 0);
  }
}

TEST_CASE("block encodings decode arbitrary bytes to ggml's numbers, and need an importance where ggml does") {
  if (ggml().quantize == nullptr)
    return;
  std::mt19937_64 random(seed());
  const auto random_blocks = [&](const BlockType& type) {
    Bytes bytes(4096 * codec(type.id).block_bytes);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    return bytes;
  };
  for (std::size_t t = 0; t < block_types.size(); ++t)
    check_decode(block_types[t], ggml().dequantize_blocks[t], random_blocks(block_types[t]));
  for (std::size_t t = 0; t < grid_types.size(); ++t)
    check_decode(grid_types[t], ggml().dequantize_grid[t], random_blocks(grid_types[t]));
  for (const BlockType& type : block_types)
    CHECK(codec(type.id).needs_importance == ggml().requires_importance(type.ggml_type));
  for (const BlockType& type : grid_types)
    CHECK(codec(type.id).needs_importance == ggml().requires_importance(type.ggml_type));
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
