// Checksums on the way: those that a source carries, and those that a writer asks for.
#include "engine/base/crc32.hpp"
#include "tests/unit/run/support.hpp"

using heirloom::Code;
using heirloom::Literal;
using heirloom::Result;
using heirloom::test::Fixture;
using heirloom::test::random_bytes;
using heirloom::test::random_floats;
using heirloom::test::read_file;
namespace arch = heirloom::arch;
namespace base = heirloom::base;
namespace model = heirloom::model;
namespace run = heirloom::run;

namespace {

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

run::ExecuteOptions with(std::size_t threads) {
  run::ExecuteOptions options;
  options.threads = threads;
  options.force = true;
  return options;
}

constexpr std::uint64_t rows = 300, columns = 4096;  // several pieces

void add_tensors(Fixture& fixture) {
  fixture.add("large", "f32", {rows, columns}, random_floats(rows * columns, 3));
  fixture.add("bytes", "u8", {77}, random_bytes(77, 4));
  fixture.add("none", "f32", {0, 5}, "");
}

// A checksum of the file's first `size` bytes; `wrong` is added to it.
void carry_checksum(const Fixture& fixture, model::Source& source, std::uint64_t size, std::uint32_t wrong) {
  const std::string content = read_file(fixture.directory() / "in.raw");
  source.checkpoint.checksums = {{0, base::crc32(bytes_of(content).first(size)) + wrong, 0, size}};
  source.checks = std::make_unique<model::RangeChecks>(source.checkpoint.checksums);
}

}  // namespace

TEST_CASE("a writer gets the CRC-32 of each placement, whatever the threads, and its literals are written") {
  for (const std::string encoding : {"", "bf16"})
    for (const std::size_t threads : {1u, 3u, 8u}) {
      Fixture fixture;
      fixture.add("large", "f32", {rows, columns}, random_floats(rows * columns, 3));
      fixture.add("none", "f32", {0, 5}, "");
      fixture.add("small", "f32", {7}, random_floats(7, 4));
      const model::Source source = fixture.open();
      auto plan = fixture.plan(encoding);
      plan.layout.checksum = "crc32";
      const std::uint64_t end = plan.layout.files[0].size;
      plan.layout.files[0].size += 4;
      std::swap(plan.layout.placements[0], plan.layout.placements[2]);
      std::vector<std::uint64_t> seen;
      run::ExecuteOptions options = with(threads);
      options.finish = [&](std::span<const std::uint64_t> checksums) -> Result<std::vector<Literal>> {
        seen.assign(checksums.begin(), checksums.end());
        return std::vector<Literal>{{0, end, {'D', 'o', 'n', 'e'}}};
      };
      const auto outcome = fixture.execute(plan, source, options);
      REQUIRE(outcome);
      REQUIRE(seen.size() == 3);
      for (std::size_t i = 0; i < seen.size(); ++i)
        CHECK(seen[i] == base::crc32(bytes_of(fixture.tensor_bytes(plan, i))));
      CHECK(read_file(fixture.directory() / "out.raw").substr(end) == "Done");
    }
}

TEST_CASE("what the writer refuses at the end leaves no output") {
  Fixture fixture;
  add_tensors(fixture);
  const model::Source source = fixture.open();
  auto plan = fixture.plan("");
  plan.layout.checksum = "crc32";
  run::ExecuteOptions options = with(2);
  CHECK(fixture.execute(plan, source, options).error().message.find("checksums") != std::string::npos);
  options.finish = [](auto) -> Result<std::vector<Literal>> { return heirloom::fail(Code::limit, "not so"); };
  CHECK(fixture.execute(plan, source, options).error().message == "not so");
  CHECK_FALSE(std::filesystem::exists(fixture.directory() / "out.raw"));
}

TEST_CASE("a source whose checksum is right converts, a damaged one leaves no output") {
  struct Row {
    const char* what;
    std::string encoding;
    std::uint64_t heads;  // rearranged by rope_permute; 0 for not
    std::uint64_t size;
  };
  const Row cases[] = {{"copied", "", 0, rows * columns * 4},
                       {"converted", "bf16", 0, rows * columns * 4},
                       {"rearranged", "", 2, rows * columns * 4},
                       {"two tensors", "", 0, rows * columns * 4 + 77},
                       {"a part", "", 0, 1000}};
  for (const Row& row : cases)
    for (const std::uint32_t wrong : {0u, 1u}) {
      CAPTURE(row.what);
      Fixture fixture;
      if (row.encoding.empty() && row.heads == 0)
        add_tensors(fixture);
      else
        fixture.add("large", "f32", {rows, columns}, random_floats(rows * columns, 3));
      model::Source source = fixture.open();
      carry_checksum(fixture, source, row.size, wrong);
      const auto outcome = fixture.execute(row.heads == 0 ? fixture.plan(row.encoding) : fixture.plan(row.encoding, heirloom::test::rope_heads(row.heads)), source, with(3));
      CHECK(outcome.has_value() == (wrong == 0));
      CHECK(std::filesystem::exists(fixture.directory() / "out.raw") == (wrong == 0));
      if (wrong == 0)
        continue;
      CHECK(outcome.error().code == Code::malformed);
      CHECK(outcome.error().message.find("it is damaged") != std::string::npos);
      // Of two that share a range, the one that began it.
      CHECK((outcome.error().tensor == "large" || (row.size > rows * columns * 4 && outcome.error().tensor == "bytes")));
      CHECK(outcome.error().file == (fixture.directory() / "in.raw").string());
      CHECK(outcome.error().position == 0);
    }
}
