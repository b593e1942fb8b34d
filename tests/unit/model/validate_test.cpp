#include "engine/model/model.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace model = heirloom::model;
using heirloom::Attr;
using heirloom::AttrType;
using heirloom::Checkpoint;
using heirloom::Code;
using heirloom::Result;

namespace {

constexpr std::uint64_t huge = UINT64_MAX;
constexpr std::uint64_t file_bytes = 1000;

Result<std::uint64_t> size_of(std::string_view name) {
  if (name == "missing")
    return heirloom::fail(Code::io, "cannot open: no such file or directory");
  return file_bytes;
}

Checkpoint example() {
  Checkpoint c{"toy", "1"};
  c.files = {{"a.bin", file_bytes}, {"sub/b.bin", file_bytes}};
  c.encodings = {{"f32", 1, 4}, {"q8_0", 32, 34}, {"x.new", 4, 3}};
  c.tensors = {{"one", "f32", {2, 3}, {{0, 0, 24}}},
               {"two", "q8_0", {2, 32}, {{0, 24, 34}, {1, 0, 34}}},
               {"none", "f32", {0, 7}, {}},
               {"scalar", "f32", {}, {{1, 34, 4}}},
               {"new", "x.new", {8}, {{0, 100, 6}}}};
  c.attrs = {Attr::text("who", std::string("\xff\0", 2)),
             Attr::scalar<std::uint16_t>("n", 7),
             Attr::scalar("yes", true),
             Attr::texts("list", {"x", ""}),
             Attr::array<float>("f", {1, 2}),
             Attr::array<std::uint8_t>("empty", {})};
  return c;
}

struct Row {
  const char* title;
  void (*spoil)(Checkpoint&);
  Code code;
  const char* message;
  const char* tensor = "";
  std::uint64_t position = heirloom::no_position;
};

Attr attr_of(AttrType type, std::vector<std::uint8_t> data, std::vector<std::string> strings,
             AttrType element = AttrType::u8) {
  return {"bad", type, element, std::move(data), std::move(strings)};
}

void check_rows(std::span<const Row> rows) {
  for (const Row& row : rows) {
    CAPTURE(row.title);
    Checkpoint checkpoint = example();
    row.spoil(checkpoint);
    const auto done = model::validate(checkpoint, size_of);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == row.code);
    CHECK_MESSAGE(done.error().message.find(row.message) != std::string::npos, done.error().message);
    CHECK(done.error().tensor == row.tensor);
    CHECK(done.error().position == row.position);
  }
}

}  // namespace

TEST_CASE("a description that keeps the rules is valid") { CHECK(model::validate(example(), size_of)); }

TEST_CASE("files and encodings that break a rule are refused with the reason") {
  static constexpr std::array rows = {
      Row{"no format", [](Checkpoint& c) { c.format.clear(); }, Code::malformed, "names no format"},
      Row{"a file outside", [](Checkpoint& c) { c.files[0].name = "../secret"; }, Code::malformed, "\"..\" part"},
      Row{"a NUL in a file name", [](Checkpoint& c) { c.files[0].name = std::string("a\0b", 3); }, Code::malformed,
          "a\\x00b"},
      Row{"a long file name", [](Checkpoint& c) { c.files[0].name = std::string(70'000, 'a'); }, Code::limit,
          "file name of 70000 bytes"},
      Row{"a file that is not there", [](Checkpoint& c) { c.files[1].name = "missing"; }, Code::io, "no such file"},
      Row{"a wrong file size", [](Checkpoint& c) { c.files[1].size = 1001; }, Code::malformed,
          "says 1001 bytes, the file has 1000"},
      Row{"a file twice", [](Checkpoint& c) { c.files.push_back(c.files[0]); }, Code::malformed,
          "\"a.bin\" is listed twice"},
      Row{"too many files", [](Checkpoint& c) { c.files.resize(model::max_files + 1); }, Code::limit,
          "100001 files exceed"},
      Row{"too many encodings", [](Checkpoint& c) { c.encodings.resize(model::max_encodings + 1); }, Code::limit,
          "1001 encodings exceed"},
      Row{"an encoding without id", [](Checkpoint& c) { c.encodings[2].id.clear(); }, Code::malformed, "has 0 bytes"},
      Row{"an encoding of no elements", [](Checkpoint& c) { c.encodings[2].block_elements = 0; }, Code::malformed,
          "\"x.new\" has empty blocks: 0 elements in 3 bytes"},
      Row{"an encoding of no bytes", [](Checkpoint& c) { c.encodings[2].block_bytes = 0; }, Code::malformed,
          "4 elements in 0 bytes"},
      Row{"a well-known encoding with another geometry", [](Checkpoint& c) { c.encodings[1].block_bytes = 36; },
          Code::malformed, "32 elements in 36 bytes, but it is known with 32 elements in 34 bytes"},
      Row{"an encoding twice", [](Checkpoint& c) { c.encodings.push_back(c.encodings[2]); }, Code::malformed,
          "\"x.new\" is listed twice"},
  };
  check_rows(rows);
}

TEST_CASE("tensors that break a rule are refused with name and byte") {
  static constexpr std::array rows = {
      Row{"too many tensors", [](Checkpoint& c) { c.tensors.resize(model::max_tensors + 1); }, Code::limit,
          "4000001 tensors exceed"},
      Row{"a name twice", [](Checkpoint& c) { c.tensors[3].name = "one"; }, Code::malformed,
          "two tensors have this name", "one"},
      Row{"a long name", [](Checkpoint& c) { c.tensors[0].name = std::string(65'536, 'n'); }, Code::limit,
          "tensor name of 65536 bytes"},
      Row{"an encoding that is not described", [](Checkpoint& c) { c.tensors[0].encoding = "bf16"; }, Code::malformed,
          "its encoding \"bf16\" is not described", "one"},
      Row{"too many dimensions", [](Checkpoint& c) { c.tensors[0].shape.assign(65, 1); }, Code::limit,
          "65 dimensions exceed", "one"},
      Row{"a shape that overflows",
          [](Checkpoint& c) {
            c.tensors[0].shape = {huge, 2};
          },
          Code::malformed, "does not fit 64 bits", "one"},
      Row{"bytes that overflow", [](Checkpoint& c) { c.tensors[0].shape = {huge / 2}; }, Code::malformed,
          "does not fit 64 bits", "one"},
      Row{"broken blocks",
          [](Checkpoint& c) {
            c.tensors[1].shape = {2, 33};
          },
          Code::malformed, "66 elements are not whole blocks of 32", "two"},
  };
  check_rows(rows);
}

TEST_CASE("extents that break a rule are refused with tensor and byte") {
  static constexpr std::array rows = {
      Row{"a file number out of range", [](Checkpoint& c) { c.tensors[0].extents[0].file = 2; }, Code::malformed,
          "file number 2 of 2", "one", 0},
      Row{"an extent past the end", [](Checkpoint& c) { c.tensors[0].extents[0].offset = 977; }, Code::malformed,
          "24 bytes extend past the end of the file, which has 1000", "one", 977},
      Row{"an extent at the end of all numbers", [](Checkpoint& c) { c.tensors[0].extents[0].offset = huge; },
          Code::malformed, "extend past the end", "one", huge},
      Row{"an extent of all numbers",
          [](Checkpoint& c) {
            c.tensors[0].extents[0] = {0, 1, huge};
          },
          Code::malformed, "extend past the end", "one", 1},
      Row{"an empty extent past the end",
          [](Checkpoint& c) {
            c.tensors[2].extents = {{0, 1001, 0}};
          },
          Code::malformed, "extend past the end", "none", 1001},
      Row{"too few bytes", [](Checkpoint& c) { c.tensors[0].extents[0].size = 23; }, Code::malformed,
          "its shape needs 24 bytes, its extents have 23", "one", 0},
      Row{"too many bytes",
          [](Checkpoint& c) {
            c.tensors[3].extents.push_back({0, 500, 4});
          },
          Code::malformed, "its shape needs 4 bytes, its extents have 8", "scalar", 34},
      Row{"no bytes", [](Checkpoint& c) { c.tensors[0].extents.clear(); }, Code::malformed, "its extents have 0",
          "one"},
      Row{"an empty tensor with bytes",
          [](Checkpoint& c) {
            c.tensors[2].extents = {{0, 300, 1}};
          },
          Code::malformed, "needs 0 bytes", "none", 300},
      Row{"two tensors that share a byte", [](Checkpoint& c) { c.tensors[4].extents[0].offset = 57; }, Code::malformed,
          "overlaps tensor \"two\", which has bytes 24 to 57", "new", 57},
      Row{"a tensor inside another", [](Checkpoint& c) { c.tensors[4].extents[0].offset = 8; }, Code::malformed,
          "overlaps tensor \"one\"", "new", 8},
      Row{"a tensor that overlaps itself",
          [](Checkpoint& c) {
            c.tensors[1].extents[1] = {0, 40, 34};
          },
          Code::malformed, "overlaps tensor \"two\"", "two", 40},
      Row{"a decoded tensor with bytes past the end",
          [](Checkpoint& c) {
            c.tensors[0].decoded = true;
            c.tensors[0].extents[0] = {0, 999, 2};
          },
          Code::malformed, "extend past the end", "one", 999},
  };
  check_rows(rows);
}

TEST_CASE("metadata that breaks a rule is refused with its key") {
  static constexpr std::array rows = {
      Row{"a key twice", [](Checkpoint& c) { c.attrs.push_back(c.attrs[0]); }, Code::malformed,
          "\"who\" is there twice"},
      Row{"a long key", [](Checkpoint& c) { c.attrs[0].key = std::string(65'536, 'k'); }, Code::limit,
          "metadata key of 65536 bytes"},
      Row{"too many", [](Checkpoint& c) { c.attrs.resize(model::max_attrs + 1); }, Code::limit,
          "1000001 metadata items exceed"},
      Row{"an unknown type", [](Checkpoint& c) { c.attrs[0] = attr_of(AttrType{13}, {}, {"x"}); }, Code::malformed,
          "\"bad\" has the unknown type 13"},
      Row{"an array of arrays", [](Checkpoint& c) { c.attrs[0] = attr_of(AttrType::array, {}, {}, AttrType::array); },
          Code::malformed, "array of the type 9"},
      Row{"an array of an unknown type",
          [](Checkpoint& c) { c.attrs[0] = attr_of(AttrType::array, {}, {}, AttrType{200}); }, Code::malformed,
          "array of the type 200"},
      Row{"a number of the wrong width",
          [](Checkpoint& c) {
            c.attrs[0] = attr_of(AttrType::u32, {1, 2}, {});
          },
          Code::malformed, "has 2 bytes, values of its type have 4"},
      Row{"a number without bytes", [](Checkpoint& c) { c.attrs[0] = attr_of(AttrType::u32, {}, {}); }, Code::malformed,
          "has 0 bytes"},
      Row{"two numbers for one",
          [](Checkpoint& c) {
            c.attrs[0] = attr_of(AttrType::u8, {1, 2}, {});
          },
          Code::malformed, "has 2 bytes"},
      Row{"an array with half a value",
          [](Checkpoint& c) {
            c.attrs[0] = attr_of(AttrType::array, {1, 2, 3}, {}, AttrType::i16);
          },
          Code::malformed, "has 3 bytes, values of its type have 2"},
      Row{"a number with strings", [](Checkpoint& c) { c.attrs[0] = attr_of(AttrType::u8, {1}, {"x"}); },
          Code::malformed, "number with strings"},
      Row{"a boolean of 2", [](Checkpoint& c) { c.attrs[0] = attr_of(AttrType::boolean, {2}, {}); }, Code::malformed,
          "has the boolean 2"},
      Row{"an array with a boolean of 255",
          [](Checkpoint& c) {
            c.attrs[0] = attr_of(AttrType::array, {0, 1, 255}, {}, AttrType::boolean);
          },
          Code::malformed, "has the boolean 255"},
      Row{"text with numbers", [](Checkpoint& c) { c.attrs[0] = attr_of(AttrType::string, {1}, {"x"}); },
          Code::malformed, "text with numbers"},
      Row{"text without text", [](Checkpoint& c) { c.attrs[0] = attr_of(AttrType::string, {}, {}); }, Code::malformed,
          "text with 0 strings"},
      Row{"two texts for one",
          [](Checkpoint& c) {
            c.attrs[0] = attr_of(AttrType::string, {}, {"x", "y"});
          },
          Code::malformed, "text with 2 strings"},
      Row{"an array of text with numbers",
          [](Checkpoint& c) { c.attrs[0] = attr_of(AttrType::array, {1}, {"x"}, AttrType::string); }, Code::malformed,
          "text with numbers"},
  };
  check_rows(rows);
}

TEST_CASE("tensors may share bytes only where the description says so") {
  Checkpoint c = example();
  c.tensors.push_back({"tied", "f32", {2, 3}, {{0, 0, 24}}});
  CHECK_FALSE(model::validate(c, size_of));
  c.shared_extents = true;
  CHECK(model::validate(c, size_of));
}

TEST_CASE("a checksum of bytes outside its file is refused") {
  Checkpoint c = example();
  c.checksums = {{1, 7, 0, file_bytes}};
  CHECK(model::validate(c, size_of));
  c.checksums.push_back({1, 7, 1, file_bytes});
  const auto checked = model::validate(c, size_of);
  REQUIRE_FALSE(checked);
  CHECK(checked.error().message.find("a checksum's 1000 bytes extend past the end") != std::string::npos);
  CHECK(checked.error().file == "sub/b.bin");
}

TEST_CASE("two checksums of the same bytes are refused") {
  Checkpoint c = example();
  c.checksums = {{1, 7, 0, 10}, {1, 8, 10, 10}, {1, 0, 5, 0}};
  CHECK(model::validate(c, size_of));
  c.checksums.push_back({1, 7, 19, 2});
  const auto checked = model::validate(c, size_of);
  REQUIRE_FALSE(checked);
  CHECK(checked.error().message == "two checksums are of the same bytes");
  CHECK(checked.error().position == 19);
}

TEST_CASE("a decoded tensor may share bytes and needs no extents") {
  Checkpoint checkpoint = example();
  checkpoint.tensors[0].decoded = true;
  checkpoint.tensors[0].extents = {{0, 30, 5}};
  CHECK(model::validate(checkpoint, size_of));
  checkpoint.tensors[0].extents.clear();
  CHECK(model::validate(checkpoint, size_of));
}

TEST_CASE("a million tensors are checked, and the last overlap among them is found") {
  constexpr std::uint64_t count = 1'000'000;
  Checkpoint checkpoint{"toy", "1"};
  checkpoint.files = {{"big", count * 4}};
  checkpoint.encodings = {{"f32", 1, 4}};
  for (std::uint64_t i = 0; i < count; ++i)
    checkpoint.tensors.push_back({std::to_string(i), "f32", {1}, {{0, (i * 7919 % count) * 4, 4}}});
  const auto size = [](std::string_view) -> Result<std::uint64_t> { return count * 4; };
  CHECK(model::validate(checkpoint, size));
  checkpoint.tensors.back().extents[0].offset -= 1;
  const auto done = model::validate(checkpoint, size);
  REQUIRE_FALSE(done);
  CHECK(done.error().message.find("overlaps") != std::string::npos);
}
