// How fast every encoding is made and read, on one core: against ggml of npm's prebuilt llama.cpp (ggml_quantize_chunk,
// to_float) in the same process on the same data, and against a streaming copy of the same bytes. All take turns; the
// median of the paired ratios counts. That the bytes (or numbers) are ggml's is checked in passing.
//   kernels_bench [--json] [--only REGEX] [--row NAME] [--mib N] [--rounds N]
// HEIRLOOM_LLAMA_CPP_DIR names the folder of libggml-base.so. --only is searched in "encode q4_k", "weighted q4_k",
// "decode q4_k". --mib is the size of the numbers, as binary32; slow encodings take less of it.
#include "engine/encoding/codec.hpp"
#include "tests/bench/yardstick.hpp"
#include "tests/support/ggml_library.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <regex>
#include <string>
#include <vector>

namespace {

using heirloom::encoding::Codec;
using heirloom::kernels::Kernels;
using heirloom::test::GgmlLibrary;
using namespace heirloom::bench;

constexpr std::size_t columns = 4096;
constexpr double seconds_of_ggml = 0.25;  // a turn of ggml takes about this long, or less

enum class Way { encode, weighted, decode };
constexpr std::array way_names{"encode", "weighted", "decode"};

struct Options {
  bool is_json = false;
  std::regex only{""};
  std::string row;
  std::size_t mib = 64;
  int rounds = 9;
};

struct Measured {
  std::string way, encoding, row;
  std::size_t weights = 0;
  double ns = 0, ggml_ns = 0;  // for each weight; 0 where not measured
  double ggml_over_ours = 0, ours_over_copy = 0;
  std::string identity = "-";
};

struct Data {
  std::vector<float> numbers, importance, decoded, decoded_by_ggml;
  std::vector<std::uint8_t> bytes, bytes_of_ggml;

  explicit Data(std::size_t n)
      : numbers(n), importance(columns), decoded(n), decoded_by_ggml(n), bytes(8 * n), bytes_of_ggml(4 * n) {
    std::mt19937_64 random(1);
    for (float& number : numbers) {
      const std::uint64_t bits = random();
      const auto bell =
          static_cast<double>((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48));
      number = static_cast<float>((bell - 131070.0) * 1e-6);
    }
    for (float& value : importance)
      value = static_cast<float>(std::exp(4.0 * static_cast<double>(random() >> 11) * 0x1p-53));
  }
};

std::size_t bytes_of(const Codec& codec, std::size_t n) { return n / codec.block_elements * codec.block_bytes; }

struct Bench {
  const GgmlLibrary& ggml;
  const Options& options;
  Data& data;

  void quantize(const Codec& codec, std::size_t n, const float* importance) const {
    ggml.quantize_chunk(ggml.type_of(codec.id), data.numbers.data(), data.bytes_of_ggml.data(), 0,
                        static_cast<std::int64_t>(n / columns), columns, importance);
  }

  // Weights for one turn: as many as there are, or as ggml does in the time it has.
  std::size_t weights_for(const std::function<void(std::size_t)>& by_ggml) const {
    const std::size_t all = data.numbers.size(), probe = 4 * columns;
    if (!by_ggml)
      return all;
    const auto seconds = take_turns({[&] { by_ggml(probe); }}, 3);
    const double fitting = seconds_of_ggml / std::max(median(seconds[0]), 1e-7);
    return std::min(all, static_cast<std::size_t>(std::max(1.0, fitting)) * probe);
  }

  Measured encoding(const Codec& codec, const Kernels& row, Way way) const {
    const float* importance = way == Way::weighted ? data.importance.data() : nullptr;
    const bool has_ggml = ggml.quantize_chunk != nullptr && ggml.type_of(codec.id) >= 0 &&
                          (codec.kind == heirloom::encoding::Kind::block || codec.block_bytes == 2) &&
                          (importance != nullptr || !ggml.requires_importance(ggml.type_of(codec.id)));
    std::function<void(std::size_t)> by_ggml;
    if (has_ggml)
      by_ggml = [&](std::size_t count) { quantize(codec, count, importance); };
    const std::size_t n = weights_for(by_ggml), size = bytes_of(codec, n);
    const auto by_us = [&] {
      if (way == Way::encode) {
        codec.encode(row, data.numbers.data(), data.bytes.data(), n);
        return;
      }
      codec.encode_weighted(row, data.numbers.data(), importance, data.bytes.data(), n / columns, columns);
    };
    const auto copy = [&] {
      stream(reinterpret_cast<const std::uint8_t*>(data.numbers.data()), 4 * n, data.bytes.data(), size);
    };
    Measured measured =
        measure(codec, row, way, n, by_us, copy, has_ggml ? [&] { by_ggml(n); } : std::function<void()>());
    by_us();
    if (has_ggml)
      measured.identity = std::memcmp(data.bytes.data(), data.bytes_of_ggml.data(), size) == 0 ? "same" : "DIFFERENT";
    return measured;
  }

  Measured decoding(const Codec& codec, const Kernels& row) const {
    const std::size_t n = data.numbers.size(), size = bytes_of(codec, n);
    fill_bytes(codec, size);
    const int type = ggml.quantize_chunk == nullptr ? -1 : ggml.type_of(codec.id);
    const auto to_float = type < 0 ? nullptr : ggml.type_traits(type)->to_float;
    auto* const numbers = data.decoded.data();
    auto* const theirs = data.decoded_by_ggml.data();
    const auto by_us = [&] { codec.decode(row, data.bytes.data(), numbers, n); };
    const auto by_ggml = [&] { to_float(data.bytes.data(), theirs, static_cast<std::int64_t>(n)); };
    const auto copy = [&] { stream(data.bytes.data(), size, reinterpret_cast<std::uint8_t*>(numbers), 4 * n); };
    Measured measured = measure(codec, row, Way::decode, n, by_us, copy,
                                to_float != nullptr ? std::function<void()>(by_ggml) : std::function<void()>());
    by_us();
    if (to_float != nullptr)
      measured.identity = std::memcmp(numbers, theirs, 4 * n) == 0 ? "same" : "DIFFERENT";
    return measured;
  }

  // Sound blocks, a few rows repeated: ggml's, or ours, or for what neither makes any bits with small exponents.
  void fill_bytes(const Codec& codec, std::size_t size) const {
    const std::size_t tile = bytes_of(codec, 16 * columns);
    if (ggml.quantize_chunk != nullptr && codec.kind == heirloom::encoding::Kind::block &&
        ggml.type_of(codec.id) >= 0) {
      quantize(codec, 16 * columns, data.importance.data());
      std::memcpy(data.bytes.data(), data.bytes_of_ggml.data(), tile);
    } else if (codec.encode != nullptr) {
      codec.encode(heirloom::kernels::scalar_kernels, data.numbers.data(), data.bytes.data(), 16 * columns);
    } else {
      std::mt19937_64 random(2);
      for (std::size_t i = 0; i < tile; ++i) data.bytes[i] = static_cast<std::uint8_t>(random() & 0x3f);
    }
    for (std::size_t i = tile; i < size; i += tile)
      std::memcpy(data.bytes.data() + i, data.bytes.data(), std::min(tile, size - i));
  }

  Measured measure(const Codec& codec, const Kernels& row, Way way, std::size_t n, const std::function<void()>& by_us,
                   const std::function<void()>& copy, const std::function<void()>& by_ggml) const {
    const auto seconds = take_turns({by_us, copy, by_ggml}, options.rounds);
    const double weights = static_cast<double>(n);
    return {way_names[static_cast<std::size_t>(way)],
            std::string(codec.id),
            std::string(row.name),
            n,
            1e9 * median(seconds[0]) / weights,
            1e9 * median(seconds[2]) / weights,
            median_ratio(seconds[2], seconds[0]),
            median_ratio(seconds[0], seconds[1]),
            "-"};
  }
};

void print_row(const Measured& measured) {
  const auto number = [](double value, int digits) {
    char text[32];
    std::snprintf(text, sizeof text, value == 0 ? "-" : "%.*f", digits, value);
    return std::string(text);
  };
  std::printf("%-9s %-12s %-8s %10.3f %10s %12s %12.2f  %s\n", measured.way.c_str(), measured.encoding.c_str(),
              measured.row.c_str(), measured.ns, number(measured.ggml_ns, 3).c_str(),
              number(measured.ggml_over_ours, 2).c_str(), measured.ours_over_copy, measured.identity.c_str());
  std::fflush(stdout);
}

void print_json(const std::vector<Measured>& results) {
  std::printf("[");
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Measured& one = results[i];
    std::printf(
        "%s\n  {\"way\": \"%s\", \"encoding\": \"%s\", \"row\": \"%s\", \"weights\": %zu, \"ns_per_weight\": %.4f, "
        "\"ggml_ns_per_weight\": %.4f, \"speedup_over_ggml\": %.3f, \"time_over_copy\": %.3f, \"identity\": \"%s\"}",
        i == 0 ? "" : ",", one.way.c_str(), one.encoding.c_str(), one.row.c_str(), one.weights, one.ns, one.ggml_ns,
        one.ggml_over_ours, one.ours_over_copy, one.identity.c_str());
  }
  std::printf("\n]\n");
}

std::vector<Measured> measure_all(const Bench& bench) {
  std::vector<Measured> results;
  for (const Codec& codec : heirloom::encoding::codecs())
    for (const Kernels* row : heirloom::kernels::supported())
      for (const Way way : {Way::encode, Way::weighted, Way::decode}) {
        const bool can = way == Way::encode     ? codec.encode != nullptr
                         : way == Way::weighted ? codec.encode_weighted != nullptr
                                                : codec.decode != nullptr;
        const std::string title = std::string(way_names[static_cast<std::size_t>(way)]) + " " + std::string(codec.id);
        if (!can || codec.kind == heirloom::encoding::Kind::integer || !std::regex_search(title, bench.options.only) ||
            (!bench.options.row.empty() && bench.options.row != row->name))
          continue;
        results.push_back(way == Way::decode ? bench.decoding(codec, *row) : bench.encoding(codec, *row, way));
        if (!bench.options.is_json)
          print_row(results.back());
      }
  return results;
}

bool parse(Options& options, int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (argument == "--json") {
      options.is_json = true;
      continue;
    }
    if (value == nullptr)
      return false;
    ++i;
    if (argument == "--only")
      options.only = std::regex(value);
    else if (argument == "--row")
      options.row = value;
    else if (argument == "--mib")
      options.mib = std::clamp<std::size_t>(std::strtoull(value, nullptr, 10), 1, 4096);
    else if (argument == "--rounds")
      options.rounds = std::clamp(std::atoi(value), 1, 1000);
    else
      return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(options, argc, argv)) {
    std::fprintf(stderr, "usage: kernels_bench [--json] [--only REGEX] [--row NAME] [--mib N] [--rounds N]\n");
    return 2;
  }
  const GgmlLibrary ggml = heirloom::test::load_ggml_library();
  if (ggml.quantize_chunk == nullptr)
    std::fprintf(stderr, "without ggml: HEIRLOOM_LLAMA_CPP_DIR names no folder with libggml-base.so\n");
  Data data(options.mib << 18);
  if (!options.is_json)
    std::printf("%-9s %-12s %-8s %10s %10s %12s %12s\n", "way", "encoding", "row", "ns/weight", "ggml ns",
                "ggml / ours", "ours / copy");
  const std::vector<Measured> results = measure_all({ggml, options, data});
  if (options.is_json)
    print_json(results);
  return std::any_of(results.begin(), results.end(), [](const Measured& one) { return one.identity == "DIFFERENT"; });
}
