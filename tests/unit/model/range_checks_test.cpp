#include "engine/base/crc32.hpp"
#include "engine/model/model.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <thread>

namespace base = heirloom::base;
namespace model = heirloom::model;
using heirloom::Checksum;
using heirloom::Code;
using heirloom::test::TempDirectory;
using heirloom::test::write_file;

namespace {

constexpr std::uint64_t begin = 100, size = 1000;

std::string noise(std::size_t count) {
  std::string text(count, '\0');
  std::mt19937 random(5);
  for (char& byte : text)
    byte = static_cast<char>(random());
  return text;
}

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// A file of 1200 bytes with one checksum, of bytes 100 to 1100; tensor "a" is bytes 110 to 600, "b" 600 to 1100, "made"
// is decoded from all of it.
struct Fixture {
  TempDirectory temp;
  std::string content = noise(1200);
  model::Source source;

  explicit Fixture(std::uint32_t wrong = 0) {
    write_file(temp / "x", content);
    source.files = base::FileSet::open(temp.path()).value();
    source.checkpoint.files = {{"x", 1200}};
    source.checkpoint.encodings = {{"u8", 1, 1}};
    source.checkpoint.tensors = {{"a", "u8", {490}, {{0, 110, 490}}},
                                 {"b", "u8", {500}, {{0, 600, 500}}},
                                 {"made", "u8", {4}, {{0, 100, 1000}}},
                                 {"outside", "u8", {50}, {{0, 1150, 50}}}};
    source.checkpoint.tensors[2].decoded = true;
    source.decode = [](std::uint32_t, std::uint64_t, std::span<std::uint8_t>) { return heirloom::Result<void>(); };
    source.checkpoint.checksums = {{0, base::crc32(bytes_of(content).subspan(begin, size)) ^ wrong, begin, size}};
    source.checks = std::make_unique<model::RangeChecks>(source.checkpoint.checksums);
  }

  heirloom::Result<void> read(std::uint32_t tensor, std::uint64_t offset, std::uint64_t count) const {
    std::vector<std::uint8_t> out(count);
    return source.read(tensor, offset, out);
  }
};

void check_damage(const heirloom::Result<void>& done, const Fixture& fixture, const char* tensor) {
  REQUIRE_FALSE(done);
  CHECK(done.error().code == Code::malformed);
  CHECK(done.error().message.find("1000 bytes from here have CRC-32 0x") == 0);
  CHECK(done.error().position == begin);
  CHECK(done.error().file == (fixture.temp / "x").string());
  CHECK(done.error().tensor == tensor);
}

}  // namespace

TEST_CASE("CRC-32 is zlib's, and two runs' make that of both") {
  CHECK(base::crc32(bytes_of("123456789")) == 0xcbf43926);
  CHECK(base::crc32_combine(base::crc32(bytes_of("1234")), base::crc32(bytes_of("56789")), 5) == 0xcbf43926);
  CHECK(base::crc32(bytes_of("56789"), base::crc32(bytes_of("1234"))) == 0xcbf43926);
}

TEST_CASE("ranges that are whole pass, in any order of reads and with overlaps") {
  for (int round = 0; round < 20; ++round) {
    const Fixture fixture;
    std::mt19937 random(static_cast<unsigned>(round));
    std::vector<std::uint64_t> steps(16);
    std::iota(steps.begin(), steps.end(), 0u);
    std::shuffle(steps.begin(), steps.end(), random);
    for (const std::uint64_t step : steps) {
      CHECK(fixture.read(0, step * 30, 40));
      CHECK(fixture.read(1, step * 31, 31 + random() % 4));
    }
    CHECK(fixture.source.finish_checks());
  }
}

TEST_CASE("a damaged range is found though other bytes than the tensors' complete it") {
  const Fixture fixture(1);
  CHECK(fixture.read(0, 0, 490));
  CHECK(fixture.read(1, 0, 500));
  check_damage(fixture.source.finish_checks(), fixture, "a");
}

TEST_CASE("the read that completes a damaged range is refused") {
  Fixture fixture(1);
  fixture.source.checkpoint.checksums[0] = {0, 7, 600, 500};
  fixture.source.checks = std::make_unique<model::RangeChecks>(fixture.source.checkpoint.checksums);
  CHECK(fixture.read(1, 100, 400));
  const auto done = fixture.read(1, 0, 100);
  REQUIRE_FALSE(done);
  CHECK(done.error().position == 600);
  CHECK(done.error().tensor == "b");
}

TEST_CASE("what is read of a range in part is verified as a whole") {
  const Fixture fixture(1);
  CHECK(fixture.read(1, 7, 3));
  check_damage(fixture.source.finish_checks(), fixture, "b");
}

TEST_CASE("the ranges of a decoded tensor are verified") {
  const Fixture fixture(1);
  CHECK(fixture.read(2, 0, 4));
  check_damage(fixture.source.finish_checks(), fixture, "made");
  const Fixture whole;
  CHECK(whole.read(2, 0, 4));
  CHECK(whole.source.finish_checks());
}

TEST_CASE("ranges that nobody reads are not verified") {
  const Fixture fixture(1);
  CHECK(fixture.read(3, 0, 50));
  CHECK(fixture.source.finish_checks());
}

TEST_CASE("threads that read the same bytes at once agree") {
  for (const std::uint32_t wrong : {0u, 1u}) {
    const Fixture fixture(wrong);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (std::uint64_t at = 0; at < 480; at += 10) {
          (void)fixture.read(0, at, 20 - at % 20 / 2);
          (void)fixture.read(1, at, 15);
        }
      });
    for (std::thread& thread : threads)
      thread.join();
    CHECK(fixture.source.finish_checks().has_value() == (wrong == 0));
  }
}
