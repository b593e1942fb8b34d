// Tensors that become blocks: with an importance, and with numbers that blocks do not hold.
#include "engine/encoding/codec.hpp"
#include "engine/run/producer.hpp"

#include "tests/unit/run/support.hpp"

#include <limits>

using namespace heirloom;
using namespace heirloom::test;

namespace {

std::vector<float> importance_of(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  for (float& value : values)
    value = static_cast<float>(random() % 10000) / 7;
  return values;
}

// Each row by itself through the kernel, with the importance of its matrix.
std::string encoded_by_rows(const std::string& id, const std::string& floats, std::size_t columns, std::size_t matrix_rows,
                            std::span<const float> importance) {
  const encoding::Codec& codec = *encoding::find_codec(id);
  std::vector<float> numbers(floats.size() / sizeof(float));
  std::memcpy(numbers.data(), floats.data(), floats.size());
  const std::size_t row_bytes = columns / codec.block_elements * codec.block_bytes;
  std::string out(numbers.size() / columns * row_bytes, '\0');
  for (std::size_t row = 0; row < numbers.size() / columns; ++row)
    codec.encode_weighted(kernels::scalar_kernels, numbers.data() + row * columns, importance.data() + row / matrix_rows * columns,
                          reinterpret_cast<std::uint8_t*>(out.data()) + row * row_bytes, 1, columns);
  return out;
}

constexpr const char* weighted_ids[] = {"q4_0", "q4_1", "q5_0", "q5_1", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl", "iq4_xs"};

// f32 numbers of which one is replaced.
std::string floats_with(std::size_t count, std::size_t at, float value) {
  std::string bytes = random_floats(count, 4);
  std::memcpy(bytes.data() + at * sizeof value, &value, sizeof value);
  return bytes;
}

run::ExecuteOptions with(std::size_t threads, std::uint64_t memory = run::default_memory_bytes) {
  run::ExecuteOptions options;
  options.threads = threads;
  options.memory_bytes = memory;
  options.force = true;
  return options;
}

}  // namespace

TEST_CASE("with an importance every row is encoded as a whole, stacked matrices each with their own") {
  constexpr std::size_t matrices = 3, rows = 5, columns = 1536;  // more columns than are encoded at a time without one
  const std::string floats = random_floats(matrices * rows * columns, 1);
  const std::vector<float> importance = importance_of(matrices * columns, 2);
  for (const std::string id : weighted_ids) {
    CAPTURE(id);
    Fixture fixture;
    fixture.add("experts", "f32", {matrices, rows, columns}, floats);
    const model::Source source = fixture.open();
    plan::Plan plan = fixture.plan(id);
    plan.tensors[0].importance = importance;
    const std::string expected = encoded_by_rows(id, floats, columns, rows, importance);
    for (const std::size_t threads : {1u, 3u, 40u}) {
      REQUIRE(fixture.execute(plan, source, with(threads, run::min_memory_bytes)));
      CHECK((fixture.tensor_bytes(plan, 0) == expected));
    }
    plan.tensors[0].importance = {};
    REQUIRE(fixture.execute(plan, source, with(1)));
    CHECK_FALSE((fixture.tensor_bytes(plan, 0) == expected));
  }
}

TEST_CASE("an importance of one matrix serves the rows of all its leading dimensions' only matrix") {
  const std::string floats = random_floats(8 * 64, 1);
  const std::vector<float> importance = importance_of(64, 2);
  for (const std::vector<std::uint64_t>& shape : {std::vector<std::uint64_t>{8, 64}, {1, 8, 64}, {1, 1, 8, 64}}) {
    Fixture fixture;
    fixture.add("a", "f32", shape, floats);
    const model::Source source = fixture.open();
    plan::Plan plan = fixture.plan("q4_1");
    plan.tensors[0].importance = importance;
    REQUIRE(fixture.execute(plan, source, with(1)));
    CHECK((fixture.tensor_bytes(plan, 0) == encoded_by_rows("q4_1", floats, 64, 8, importance)));
  }
}

TEST_CASE("pieces are whole rows, and a row that the memory does not hold is refused with the tensor's name and --memory") {
  Fixture fixture;
  fixture.add("wide", "f32", {2, 1u << 20}, random_floats(2u << 20, 1));
  const model::Source source = fixture.open();
  plan::Plan plan = fixture.plan("q4_k");
  CHECK(fixture.execute(plan, source, with(1, run::min_memory_bytes)));
  const std::vector<float> importance = importance_of(1u << 20, 2);
  plan.tensors[0].importance = importance;
  const auto producer = run::Producer::create(source, plan.tensors[0], plan.target.encodings[0], kernels::scalar_kernels);
  CHECK(producer->piece_elements(1024) == 1u << 20);
  CHECK(fixture.execute(plan, source, with(1, 64u << 20)));
  const auto outcome = fixture.execute(plan, source, with(1, run::min_memory_bytes));
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::limit);
  CHECK(outcome.error().tensor == "wide");
  CHECK(outcome.error().message.find("one row needs") != std::string::npos);
  CHECK(outcome.error().message.find("--memory") != std::string::npos);
}

TEST_CASE("a number that is not finite is refused for every block encoding, the first one named, whatever the threads") {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  // The end of one piece, and below the start of the next, which another thread comes to sooner.
  constexpr std::size_t count = 512 * 2048, at = 524'287;
  for (const std::string id : {"q8_0", "q4_0", "q4_k", "mxfp4", "tq2_0"})
    for (const float bad : {nan, infinity, -infinity}) {
      CAPTURE(id);
      Fixture fixture;
      std::string floats = floats_with(count, at, bad);
      std::memcpy(floats.data() + (at + 1) * sizeof bad, &bad, sizeof bad);
      fixture.add("a", "f32", {512, 2048}, floats);
      const model::Source source = fixture.open();
      for (const std::size_t threads : {1u, 4u}) {
        const auto outcome = fixture.execute(fixture.plan(id), source, with(threads));
        REQUIRE_FALSE(outcome);
        CHECK(outcome.error().code == Code::misuse);
        CHECK(outcome.error().tensor == "a");
        const std::string message = bad != bad ? "element 524287 is NaN" : "element 524287 is infinite";
        CHECK_MESSAGE(outcome.error().message.starts_with(message), outcome.error().message);
        CHECK(entries_of(fixture.directory().path()) == std::vector<std::string>{"in.raw"});
      }
    }
}

TEST_CASE("with an importance, too, the first number that is not finite is named by its place in the tensor") {
  Fixture fixture;
  fixture.add("a", "f32", {16, 64}, floats_with(1024, 555, std::numeric_limits<float>::quiet_NaN()));
  const model::Source source = fixture.open();
  plan::Plan plan = fixture.plan("q4_0");
  const std::vector<float> importance = importance_of(64, 2);
  plan.tensors[0].importance = importance;
  CHECK(fixture.execute(plan, source, with(2)).error().message.starts_with("element 555 is NaN"));
}

TEST_CASE("a number that overflows the scale of its block is refused, a large one that does not is encoded") {
  struct Case {
    const char* id;
    float fits, overflows;
  };
  // Scales are binary16, at most 65504: of q8_0 the largest number / 127, of q4_0 / -8, of tq2_0 itself.
  constexpr Case cases[] = {{"q8_0", 8e6f, 9e6f}, {"q4_0", 5e5f, 6e5f}, {"tq2_0", 65000, 66000}, {"mxfp4", 1e30f, 0}};
  for (const Case& row : cases) {
    CAPTURE(row.id);
    for (const bool is_too_large : {false, true}) {
      const float value = is_too_large ? row.overflows : row.fits;
      if (value == 0)
        continue;
      Fixture fixture;
      fixture.add("a", "f32", {2, 256}, floats_with(512, 300, value));
      const model::Source source = fixture.open();
      const auto outcome = fixture.execute(fixture.plan(row.id), source, with(1));
      CHECK(outcome.has_value() != is_too_large);
      if (!outcome)
        CHECK_MESSAGE(outcome.error().message.find("too large for the scales") != std::string::npos, outcome.error().message);
    }
  }
}

TEST_CASE("encodings without blocks keep NaN and infinity") {
  for (const std::string id : {"f16", "bf16"}) {
    Fixture fixture;
    fixture.add("a", "f32", {2, 32}, floats_with(64, 5, std::numeric_limits<float>::infinity()));
    const model::Source source = fixture.open();
    CHECK(fixture.execute(fixture.plan(id), source, with(1)));
  }
}
