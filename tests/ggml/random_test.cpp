// Every block encoding against the real ggml, on weights drawn anew at each run: what our encoders make of them on
// every row of kernels, with and without importance, must be ggml's bytes, and what our decoders make of those bytes
// and of arbitrary ones ggml's numbers. The seed is printed; HEIRLOOM_TEST_SEED repeats a run, HEIRLOOM_TEST_ROUNDS
// makes it longer, HEIRLOOM_TEST_ONLY takes encodings whose id contains it. Exit code 77: there is no ggml here.
#include "engine/encoding/codec.hpp"
#include "tests/ggml/data.hpp"
#include "tests/support/ggml_library.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using heirloom::encoding::Codec;
using heirloom::kernels::Kernels;
using heirloom::kernels::supported;
using namespace heirloom::test;
using Bytes = std::vector<std::uint8_t>;

constexpr int skipped = 77;

struct Case {
  const char* weights = "";
  const char* importances = nullptr;
  std::size_t rows = 0, columns = 0;
  std::vector<float> values, importance;
};

struct Tally {
  std::size_t compared = 0, different = 0;
};

// One encoding's run. Differences are printed, the first of each kernel row and way in full.
struct Subject {
  const GgmlLibrary& ggml;
  const Codec& codec;
  int type;
  std::uint64_t seed;
  Tally encoded, weighted, decoded;
  std::size_t overflowed = 0;  // cases whose blocks ggml's own check refuses: a scale is infinite or not a number
  std::size_t ended = 0;       // cases at which ggml ends the process
  std::vector<std::string> told;
};

std::string hex(const std::uint8_t* bytes, std::size_t count) {
  std::string text;
  char digits[4];
  for (std::size_t i = 0; i < count; ++i) {
    std::snprintf(digits, sizeof digits, "%02x", bytes[i]);
    text += digits;
  }
  return text;
}

void tell(Subject& subject, Tally& tally, const std::string& way, const Case& drawn, std::size_t block,
          const std::string& ours, const std::string& theirs) {
  ++tally.different;
  if (std::find(subject.told.begin(), subject.told.end(), way) != subject.told.end())
    return;
  subject.told.push_back(way);
  std::printf(
      "DIFFERENT: %s, %s: %s%s%s, %zu rows of %zu, block %zu; HEIRLOOM_TEST_SEED=%llu\n    ours %s\n    ggml %s\n",
      std::string(subject.codec.id).c_str(), way.c_str(), drawn.weights,
      drawn.importances != nullptr ? ", importance " : "", drawn.importances != nullptr ? drawn.importances : "",
      drawn.rows, drawn.columns, block, static_cast<unsigned long long>(subject.seed), ours.c_str(), theirs.c_str());
}

// What ggml makes, in a process of its own where an encoding looks its weights up in a grid: it ends the process when
// it does not find them. Nothing in that case.
std::optional<Bytes> quantized(const Subject& subject, const Case& drawn, const float* importance) {
  Bytes bytes(drawn.values.size() / subject.codec.block_elements * subject.codec.block_bytes);
  const auto quantize = [&](std::uint8_t* out) {
    subject.ggml.quantize_chunk(subject.type, drawn.values.data(), out, 0, static_cast<std::int64_t>(drawn.rows),
                                static_cast<std::int64_t>(drawn.columns), importance);
  };
  if (!subject.codec.id.starts_with("iq") || subject.codec.id.starts_with("iq4")) {
    quantize(bytes.data());
    return bytes;
  }
  void* const shared = mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const pid_t child = fork();
  if (child == 0) {
    if (std::freopen("/dev/null", "w", stderr) == nullptr)
      _exit(1);
    quantize(static_cast<std::uint8_t*>(shared));
    _exit(0);
  }
  int status = 1;
  waitpid(child, &status, 0);
  std::memcpy(bytes.data(), shared, bytes.size());
  munmap(shared, bytes.size());
  return status == 0 ? std::optional(bytes) : std::nullopt;
}

Bytes encoded(const Codec& codec, const Kernels& row, const Case& drawn, bool is_weighted) {
  Bytes bytes(drawn.values.size() / codec.block_elements * codec.block_bytes);
  if (is_weighted)
    codec.encode_weighted(row, drawn.values.data(), drawn.importance.data(), bytes.data(), drawn.rows, drawn.columns);
  else
    codec.encode(row, drawn.values.data(), bytes.data(), drawn.values.size());
  return bytes;
}

void compare_row(Subject& subject, const Kernels& row, const Case& drawn, const Bytes& theirs, bool is_weighted) {
  const Codec& codec = subject.codec;
  const Bytes ours = encoded(codec, row, drawn, is_weighted);
  Tally& tally = is_weighted ? subject.weighted : subject.encoded;
  ++tally.compared;
  if (ours == theirs)
    return;
  const auto place = std::mismatch(ours.begin(), ours.end(), theirs.begin()).first - ours.begin();
  const std::size_t block = static_cast<std::size_t>(place) / codec.block_bytes;
  tell(subject, tally, std::string(is_weighted ? "encode_weighted on " : "encode on ") + std::string(row.name), drawn,
       block, hex(ours.data() + block * codec.block_bytes, codec.block_bytes),
       hex(theirs.data() + block * codec.block_bytes, codec.block_bytes));
}

// NaN has no particular bits.
bool is_same(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) || (std::isnan(a) && std::isnan(b));
}

std::vector<float> numbers_of(const Subject& subject, const Bytes& bytes) {
  std::vector<float> numbers(bytes.size() / subject.codec.block_bytes * subject.codec.block_elements);
  subject.ggml.type_traits(subject.type)
      ->to_float(bytes.data(), numbers.data(), static_cast<std::int64_t>(numbers.size()));
  return numbers;
}

void compare_decoded(Subject& subject, const Case& drawn, const Bytes& bytes) {
  const Codec& codec = subject.codec;
  const std::vector<float> theirs = numbers_of(subject, bytes);
  const std::size_t n = theirs.size();
  std::vector<float> ours(n);
  for (const Kernels* row : supported()) {
    codec.decode(*row, bytes.data(), ours.data(), n);
    ++subject.decoded.compared;
    const auto place = std::mismatch(ours.begin(), ours.end(), theirs.begin(), is_same).first - ours.begin();
    if (static_cast<std::size_t>(place) == n)
      continue;
    const std::size_t block = static_cast<std::size_t>(place) / codec.block_elements;
    const auto number = [&](const std::vector<float>& values) {
      return std::to_string(values[static_cast<std::size_t>(place)]) + " (weight " +
             std::to_string(static_cast<std::size_t>(place) % codec.block_elements) + " of " +
             hex(bytes.data() + block * codec.block_bytes, codec.block_bytes) + ")";
    };
    tell(subject, subject.decoded, "decode on " + std::string(row->name), drawn, block, number(ours), number(theirs));
  }
}

void compare_encoded(Subject& subject, const Case& drawn, const float* importance, bool is_weighted) {
  const std::optional<Bytes> bytes = quantized(subject, drawn, importance);
  const std::vector<float> numbers = bytes ? numbers_of(subject, *bytes) : std::vector<float>();
  const bool is_sound = std::all_of(numbers.begin(), numbers.end(), [](float number) { return std::isfinite(number); });
  if (bytes)
    compare_decoded(subject, drawn, *bytes);
  subject.ended += !bytes;
  subject.overflowed += !is_sound && subject.codec.block_elements > 1;
  if (!bytes || (!is_sound && subject.codec.block_elements > 1)) {
    for (const Kernels* row : supported()) encoded(subject.codec, *row, drawn, is_weighted);  // comes to an end
    return;
  }
  for (const Kernels* row : supported()) compare_row(subject, *row, drawn, *bytes, is_weighted);
}

Case draw(Random& random, const Codec& codec, std::size_t round) {
  const auto weights = weight_distributions(), importances = importance_distributions();
  const Distribution& kind = weights[round % weights.size()];
  const Distribution& important = importances[random() % importances.size()];
  Case drawn{kind.name, important.name, 1 + random() % 4, 0, {}, {}};
  const std::size_t granule = codec.block_elements == 1 ? 1 : std::max<std::size_t>(32, codec.block_elements);
  drawn.columns = granule * (1 + random() % std::max<std::size_t>(1, 1280 / granule));
  drawn.values.resize(drawn.rows * drawn.columns);
  drawn.importance.resize(drawn.columns);
  for (std::size_t i = 0; i < drawn.rows; ++i)
    kind.fill(random, std::span(drawn.values).subspan(drawn.columns * i, drawn.columns));
  important.fill(random, drawn.importance);
  return drawn;
}

void compare_case(Subject& subject, Random& random, std::size_t round) {
  const Codec& codec = subject.codec;
  Case drawn = draw(random, codec, round);
  const bool has_plain = codec.encode != nullptr && !subject.ggml.requires_importance(subject.type);
  const char* importances = drawn.importances;
  if (codec.encode_weighted != nullptr)
    compare_encoded(subject, drawn, drawn.importance.data(), true);
  drawn.importances = nullptr;
  if (has_plain)
    compare_encoded(subject, drawn, nullptr, false);
  // Where ours has no encoder with importance, ggml's must not look at it.
  drawn.importances = importances;
  if (has_plain && codec.encode_weighted == nullptr && codec.block_elements > 1)
    compare_encoded(subject, drawn, drawn.importance.data(), false);
  const Case arbitrary{"arbitrary bytes", nullptr, 1, 8 * codec.block_elements, {}, {}};
  Bytes bytes(8 * codec.block_bytes);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  compare_decoded(subject, arbitrary, bytes);
}

std::uint64_t seed_of_run() {
  if (const char* text = std::getenv("HEIRLOOM_TEST_SEED"))
    return std::strtoull(text, nullptr, 0);
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

// Every distribution comes round six times.
std::size_t rounds_of_run() {
  const char* text = std::getenv("HEIRLOOM_TEST_ROUNDS");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 6 * weight_distributions().size();
}

std::string count_of(const Tally& tally) {
  return tally.compared == 0 ? "-"
                             : std::to_string(tally.compared - tally.different) + "/" + std::to_string(tally.compared);
}

bool compare_encoding(const GgmlLibrary& ggml, const Codec& codec, std::uint64_t seed, std::size_t rounds) {
  const int type = ggml.type_of(codec.id);
  const std::string id(codec.id);
  if (type < 0 || ggml.type_traits(type)->to_float == nullptr) {
    std::printf("%-12s not compared: ggml has no decoder of this name\n", id.c_str());
    return true;
  }
  Subject subject{ggml, codec, type, seed, {}, {}, {}, 0, 0, {}};
  ggml.prepare(type);
  Random random(seed ^ (0x9e3779b97f4a7c15 * static_cast<std::uint64_t>(type + 1)));
  for (std::size_t round = 0; round < rounds; ++round) compare_case(subject, random, round);
  std::printf("%-12s encode %-9s with importance %-9s decode %-9s overflowed %zu, ggml ended %zu%s\n", id.c_str(),
              count_of(subject.encoded).c_str(), count_of(subject.weighted).c_str(), count_of(subject.decoded).c_str(),
              subject.overflowed, subject.ended,
              codec.encode == nullptr && codec.encode_weighted == nullptr ? "  no encoder: not compared" : "");
  std::fflush(stdout);
  return subject.told.empty() && codec.needs_importance == ggml.requires_importance(type);
}

}  // namespace

int main() {
  const GgmlLibrary ggml = load_ggml_library();
  if (ggml.quantize_chunk == nullptr) {
    std::printf("skipped: no libggml-base.so that this machine can load in \"%s\"\n", ggml.directory.c_str());
    return skipped;
  }
  setenv("GGML_NO_BACKTRACE", "1", 1);
  const std::uint64_t seed = seed_of_run();
  const std::size_t rounds = rounds_of_run();
  const char* only = std::getenv("HEIRLOOM_TEST_ONLY");
  std::printf("HEIRLOOM_TEST_SEED=%llu, %zu rounds, rows of kernels:", static_cast<unsigned long long>(seed), rounds);
  for (const Kernels* row : supported()) std::printf(" %s", std::string(row->name).c_str());
  std::printf("\n");
  bool is_good = true;
  for (const Codec& codec : heirloom::encoding::codecs()) {
    const bool is_wanted = only == nullptr || codec.id.find(only) != std::string_view::npos;
    if (is_wanted && codec.kind != heirloom::encoding::Kind::integer && codec.id != "f32" && codec.id != "f64")
      is_good = compare_encoding(ggml, codec, seed, rounds) && is_good;
  }
  return is_good ? 0 : 1;
}
