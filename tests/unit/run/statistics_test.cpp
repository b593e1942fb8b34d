#include "engine/encoding/codec.hpp"

#include "tests/unit/run/support.hpp"

#include <cmath>

using namespace heirloom;
using namespace heirloom::test;

namespace {

using Statistics = encoding::ErrorStatistics;

run::Outcome measured(const Fixture& fixture, const plan::Plan& plan, const model::Source& source, std::size_t threads,
                      std::uint64_t memory = run::default_memory_bytes) {
  run::ExecuteOptions options;
  options.threads = threads;
  options.memory_bytes = memory;
  options.force = true;
  options.measures_errors = true;
  auto outcome = fixture.execute(plan, source, options);
  REQUIRE(outcome);
  return std::move(*outcome);
}

bool operator==(const Statistics& a, const Statistics& b) {
  return a.rmse == b.rmse && a.relative_rmse == b.relative_rmse && a.max_error == b.max_error &&
         a.max_error_index == b.max_error_index && a.cosine == b.cosine;
}

std::vector<float> floats_of(const std::string& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace

TEST_CASE("the figures are those of the definition") {
  constexpr std::size_t count = 96 * 10;
  const std::string bytes = random_floats(count, 1);
  Fixture fixture;
  fixture.add("a", "f32", {10, 96}, bytes);
  const model::Source source = fixture.open();
  const auto plan = fixture.plan("q4_0");
  const auto outcome = measured(fixture, plan, source, 2);
  const std::vector<float> x = floats_of(bytes);
  std::vector<float> y(count);
  encoding::find_codec("q4_0")->decode(kernels::scalar_kernels, bytes_of(fixture.tensor_bytes(plan, 0)).data(), y.data(), count);
  long double error = 0, xx = 0, yy = 0, xy = 0, largest = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const long double a = x[i], b = y[i];
    error += (a - b) * (a - b);
    xx += a * a;
    yy += b * b;
    xy += a * b;
    if (std::abs(a - b) > largest) {
      largest = std::abs(a - b);
      at = i;
    }
  }
  REQUIRE(outcome.statistics.size() == 1);
  const Statistics& figures = outcome.statistics[0].value();
  CHECK(figures.rmse == doctest::Approx(static_cast<double>(std::sqrt(error / count))).epsilon(1e-12));
  CHECK(figures.relative_rmse == doctest::Approx(static_cast<double>(std::sqrt(error / xx))).epsilon(1e-12));
  CHECK(figures.cosine == doctest::Approx(static_cast<double>(xy / std::sqrt(xx * yy))).epsilon(1e-12));
  CHECK(figures.max_error == static_cast<double>(largest));
  CHECK(figures.max_error_index == at);
}

TEST_CASE("the figures do not depend on threads or memory, to the last bit") {
  Fixture fixture;
  fixture.add("large", "f32", {640, 1024}, random_floats(640 * 1024, 1));
  fixture.add("odd", "f32", {1001, 96}, random_floats(1001 * 96, 2));
  fixture.add("tiny", "f32", {32}, random_floats(32, 3));
  const model::Source source = fixture.open();
  const std::vector<float> importance(96, 1.5f);
  for (const std::string id : {"q4_0", "f16"}) {
    auto plan = fixture.plan(id);
    if (id == "q4_0")
      plan.tensors[1].importance = importance;
    const auto expected = measured(fixture, plan, source, 1).statistics;
    for (const std::size_t threads : {2u, 5u, 64u})
      for (const std::uint64_t memory : {run::min_memory_bytes, run::default_memory_bytes}) {
        const auto found = measured(fixture, plan, source, threads, memory).statistics;
        for (std::size_t i = 0; i < 3; ++i)
          CHECK(found[i].value() == expected[i].value());
      }
  }
}

TEST_CASE("nor on where rows that move together begin") {
  Fixture fixture;
  fixture.add("q", "f32", {32768, 33}, random_floats(32768 * 33, 1));  // groups of 66 elements
  const model::Source source = fixture.open();
  const auto plan = fixture.plan("f16", rope_heads(16384));
  const auto expected = measured(fixture, plan, source, 1).statistics[0].value();
  CHECK(measured(fixture, plan, source, 3, run::min_memory_bytes).statistics[0].value() == expected);
}

TEST_CASE("tensors whose encoding stays have no figures, and nothing is measured unasked") {
  Fixture fixture;
  fixture.add("a", "f32", {32}, random_floats(32, 1));
  const model::Source source = fixture.open();
  CHECK_FALSE(measured(fixture, fixture.plan(""), source, 1).statistics.at(0).has_value());
  run::ExecuteOptions options;
  options.force = true;
  CHECK(fixture.execute(fixture.plan("q8_0"), source, options)->statistics.empty());
}

TEST_CASE("zeros lose nothing, rearranged rows are compared in the output's order, f64 is compared as it is") {
  Fixture fixture;
  fixture.add("zero", "f32", {64}, std::string(256, '\0'));
  const model::Source zero = fixture.open();
  const Statistics none = measured(fixture, fixture.plan("q4_0"), zero, 1).statistics[0].value();
  CHECK(none == Statistics{0, 0, 0, 0, 1});
  Fixture moved;
  moved.add("q", "f32", {64, 32}, random_floats(64 * 32, 7));
  const model::Source source = moved.open();
  const auto figures = measured(moved, moved.plan("q8_0", rope_heads(2)), source, 1).statistics[0];
  CHECK(figures->relative_rmse < 0.01);
  Fixture wide;
  const double value = 1 + 0x1p-40;
  wide.add("d", "f64", {1}, std::string(reinterpret_cast<const char*>(&value), sizeof value));
  const model::Source doubles = wide.open();
  CHECK(measured(wide, wide.plan("f32"), doubles, 1).statistics[0]->max_error == 0x1p-40);
}

TEST_CASE("the first of several largest errors is named") {
  std::vector<float> numbers(1024, 1.0f);
  numbers[300] = numbers[700] = 1.0f + 0x1p-10f;  // lost in bf16
  Fixture fixture;
  fixture.add("a", "f32", {1024}, std::string(reinterpret_cast<const char*>(numbers.data()), 4096));
  const model::Source source = fixture.open();
  const Statistics figures = measured(fixture, fixture.plan("bf16"), source, 1).statistics[0].value();
  CHECK(figures.max_error == 0x1p-10);
  CHECK(figures.max_error_index == 300);
}
