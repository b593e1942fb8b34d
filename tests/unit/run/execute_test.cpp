#include "engine/run/execute.hpp"

#include "tests/unit/run/support.hpp"

#include <atomic>

using namespace heirloom;
using namespace heirloom::test;
using run::ExecuteOptions;

namespace {

// Tensors of several sizes and encodings: one larger than a piece, one rearranged, some tiny.
void add_mixed(Fixture& fixture) {
  fixture.add("large", "f32", {640, 1024}, random_floats(640 * 1024, 1));
  fixture.add("small", "f32", {32}, random_floats(32, 2));
  for (std::uint32_t i = 0; i < 20; ++i)
    fixture.add("t" + std::to_string(i), "f32", {8, 64}, random_floats(8 * 64, 10 + i));
}

ExecuteOptions with(std::size_t threads, std::uint64_t memory = run::default_memory_bytes) {
  ExecuteOptions options;
  options.threads = threads;
  options.memory_bytes = memory;
  options.force = true;
  return options;
}

}  // namespace

TEST_CASE("the output's bytes and digests do not depend on threads or memory") {
  Fixture fixture;
  add_mixed(fixture);
  const model::Source source = fixture.open();
  for (const std::string encoding : {"q8_0", "bf16", ""}) {
    CAPTURE(encoding);
    const auto plan = fixture.plan(encoding);
    std::string expected;
    for (const std::size_t threads : {1u, 2u, 8u})
      for (const std::uint64_t memory : {run::min_memory_bytes, run::default_memory_bytes}) {
        const auto outcome = fixture.execute(plan, source, with(threads, memory));
        REQUIRE(outcome);
        const std::string bytes = read_file(fixture.directory() / "out.raw");
        if (expected.empty())
          expected = bytes;
        CHECK((bytes == expected));
        for (std::size_t i = 0; i < plan.tensors.size(); ++i)
          CHECK(outcome->digests[i] == base::sha256(bytes_of(fixture.tensor_bytes(plan, i))));
      }
  }
}

TEST_CASE("rows larger than the memory for them are rearranged all the same") {
  Fixture fixture;
  fixture.add("q", "f32", {8, 1u << 18}, random_floats(8u << 18, 3));
  const model::Source source = fixture.open();
  const auto plan = fixture.plan("", rope_heads(2));
  REQUIRE(fixture.execute(plan, source, with(2)));
  const std::string expected = read_file(fixture.directory() / "out.raw");
  REQUIRE(fixture.execute(plan, source, with(3, run::min_memory_bytes)));
  CHECK((read_file(fixture.directory() / "out.raw") == expected));
}

TEST_CASE("an unchanged tensor is copied, and a literal is written and digested") {
  Fixture fixture;
  const std::string bytes = random_bytes(3u << 20, 5);
  fixture.add("a", "u8", {3u << 20}, bytes);
  const model::Source source = fixture.open();
  auto plan = fixture.plan("");
  plan.target.use_encoding(encoding_of("f32"));
  plan.target.tensors.push_back({"b", "f32", {1}});
  plan.tensors.push_back({"b", "f32", {1}, plan::Action::literal, {}, {1, 2, 3, 4}});
  plan.layout.placements.push_back({1, 0, plan.layout.files[0].size, 4});
  plan.layout.files[0].size += 4;
  const auto outcome = fixture.execute(plan, source, with(2));
  REQUIRE(outcome);
  CHECK((fixture.tensor_bytes(plan, 0) == bytes));
  CHECK(fixture.tensor_bytes(plan, 1) == "\x01\x02\x03\x04");
  CHECK(outcome->digests[1] == base::sha256(plan.tensors[1].literal));
  CHECK(outcome->bytes_written == (3u << 20) + 4);
}

TEST_CASE("a source that shrinks while it is read leaves no output and names the tensor") {
  Fixture fixture;
  add_mixed(fixture);
  const model::Source source = fixture.open();
  std::filesystem::resize_file(fixture.directory() / "in.raw", 1000);
  for (const std::size_t threads : {1u, 4u}) {
    const auto outcome = fixture.execute(fixture.plan("q8_0"), source, with(threads));
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == Code::io);
    CHECK(outcome.error().tensor == "large");
    CHECK(entries_of(fixture.directory().path()) == std::vector<std::string>{"in.raw"});
  }
}

TEST_CASE("a stopped run leaves no output") {
  Fixture fixture;
  add_mixed(fixture);
  const model::Source source = fixture.open();
  std::atomic<int> asked{0};
  base::Log log;
  log.is_cancelled = [&] { return ++asked > 3; };
  const auto outcome = fixture.execute(fixture.plan("bf16"), source, with(2), log);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::cancelled);
  CHECK(entries_of(fixture.directory().path()) == std::vector<std::string>{"in.raw"});
}

TEST_CASE("progress ends at the total") {
  Fixture fixture;
  add_mixed(fixture);
  const model::Source source = fixture.open();
  std::atomic<std::uint64_t> highest{0}, total{0};
  base::Log log;
  log.progress = [&](std::uint64_t done, std::uint64_t all) {
    total = all;
    for (std::uint64_t seen = highest; seen < done && !highest.compare_exchange_weak(seen, done);) {
    }
  };
  const auto plan = fixture.plan("q8_0");
  REQUIRE(fixture.execute(plan, source, with(2), log));
  CHECK(highest == total);
  CHECK(total == 640u * 32 * 34 + 34 + 20 * 16 * 34);
}

TEST_CASE("an existing output is refused without force and untouched") {
  Fixture fixture;
  add_mixed(fixture);
  const model::Source source = fixture.open();
  write_file(fixture.directory() / "out.raw", "precious");
  ExecuteOptions options;
  const auto outcome = fixture.execute(fixture.plan(""), source, options);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::misuse);
  CHECK(read_file(fixture.directory() / "out.raw") == "precious");
  options.memory_bytes = 1000;
  CHECK(fixture.execute(fixture.plan(""), source, options).error().message.find("--memory") != std::string::npos);
}
