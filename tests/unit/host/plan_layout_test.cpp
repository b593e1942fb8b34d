#include "tests/unit/host/support.hpp"

#include <doctest/doctest.h>

#include <array>

using heirloom::Attr;
using heirloom::Checkpoint;
using heirloom::Code;
using heirloom::test::check_says;
using heirloom::test::host_with;

namespace {

Checkpoint described(std::size_t tensors) {
  Checkpoint checkpoint{"toy", "1"};
  checkpoint.files = {{"source.toy", 100}};
  checkpoint.encodings = {{"u8", 1, 1}};
  for (std::size_t i = 0; i < tensors; ++i)
    checkpoint.tensors.push_back({std::to_string(i), "u8", {4}, {{0, i * 4, 4}}});
  return checkpoint;
}

}  // namespace

TEST_CASE("a writer plans for a description whose files and extents are cleared") {
  const auto host = host_with({"toy"});
  const auto layout = host->plan_layout(
      "toy", described(1), {Attr::text("target_name", "out.toy"), Attr::scalar<std::uint64_t>("padding", 10)}, {});
  REQUIRE(layout);
  REQUIRE(layout->files.size() == 1);
  CHECK(layout->files[0] == heirloom::File{"out.toy", 18});
  CHECK(layout->placements[0].offset == 14);
  CHECK(layout->literals[0].bytes == std::vector<std::uint8_t>{'T', 'O', 'Y', '1'});
}

TEST_CASE("a writer that breaks the contract is caught and named") {
  struct Row {
    const char* what;
    Code code;
    const char* message;
  };
  const std::array rows = {
      Row{"throw", Code::internal, "the plugin threw an exception: planned too hard"},
      Row{"garbage", Code::malformed, "not a valid layout buffer"},
      Row{"empty", Code::internal, "hands back no layout"},
      Row{"no layout", Code::internal, "hands back no layout"},
      Row{"overlap", Code::internal, "the layout is wrong: tensor \"1\" overlaps tensor \"0\""},
  };
  const auto host = host_with({"rogue"});
  CHECK(host->plan_layout("rogue", described(2), {Attr::text("do", "right")}, {}));
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const auto layout = host->plan_layout("rogue", described(2), {Attr::text("do", row.what)}, {});
    REQUIRE_FALSE(layout);
    CHECK(layout.error().code == row.code);
    check_says(layout.error().message, row.message);
    check_says(layout.error().message, "(plugin org.example.rogue)");
  }
}

TEST_CASE("formats and options that a writer does not have are refused") {
  const auto host = host_with({"toy", "greedy"});
  CHECK(host->plan_layout("none", described(1), {}, {}).error().message ==
        "there is no format \"none\"; there are toy, greedy, perhaps, maybe");
  CHECK(host->plan_layout("greedy", described(1), {}, {}).error().message == "format \"greedy\" cannot be written");
  const auto layout = host->plan_layout("toy", described(1), {Attr::text("colour", "red")}, {});
  CHECK(layout.error().code == Code::misuse);
  CHECK(layout.error().message == "format \"toy\" has no option \"colour\"; it has padding");
  check_says(host->plan_layout("toy", described(3), {}, {}).error().message,
             "a toy has exactly one tensor (plugin org.example.toy)");
}

TEST_CASE("a layout that names a checksum is finished with those of its placements") {
  const auto host = host_with({"rogue"});
  const heirloom::Options options = {Attr::text("do", "finish")};
  const auto layout = host->plan_layout("rogue", described(2), options, {});
  REQUIRE(layout);
  CHECK(layout->checksum == "crc32");
  const std::array<std::uint64_t, 2> checksums = {0x04030201, 0x08070605};
  const auto literals = host->finish_layout("rogue", described(2), options, *layout, checksums, {});
  REQUIRE(literals);
  REQUIRE(literals->size() == 1);
  CHECK(literals->front().offset == 8);
  CHECK(literals->front().bytes == std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8});
}

TEST_CASE("a writer that finishes badly is caught and named") {
  struct Row {
    const char* what;
    Code code;
    const char* message;
  };
  const std::array rows = {
      Row{"finish by throwing", Code::internal, "the plugin threw an exception: finished too hard"},
      Row{"finish never", Code::limit, "there is no end"},
      Row{"finish in garbage", Code::malformed, "not a valid layout buffer"},
      Row{"finish over", Code::internal, "the layout is wrong: bytes of the writer overlaps tensor \"1\""},
      Row{"finish another", Code::internal, "planned twice, it differs"},
  };
  const auto host = host_with({"rogue"});
  const std::array<std::uint64_t, 2> checksums = {1, 2};
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const heirloom::Options options = {Attr::text("do", row.what)};
    const auto layout = host->plan_layout("rogue", described(2), options, {});
    REQUIRE(layout);
    const auto literals = host->finish_layout("rogue", described(2), options, *layout, checksums, {});
    REQUIRE_FALSE(literals);
    CHECK(literals.error().code == row.code);
    check_says(literals.error().message, row.message);
    check_says(literals.error().message, "(plugin org.example.rogue)");
  }
  check_says(host->plan_layout("rogue", described(2), {Attr::text("do", "finish by md5")}, {}).error().message,
             "it names the checksum \"md5\"; only \"crc32\" is known");
}
