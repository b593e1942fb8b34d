#include "support.hpp"

#include <doctest/doctest.h>

#include <functional>

using heirloom::test::build;
using heirloom::test::Built;
using heirloom::test::Bytes;
using heirloom::test::FileMap;
using heirloom::test::FileSpec;
using heirloom::test::fault_of;
using heirloom::test::noise;
using heirloom::test::options;
using heirloom::test::read_model;
using heirloom::test::read_one;
using heirloom::test::rewrite;
using heirloom::test::small_spec;
using heirloom::test::tensor_bytes;
using heirloom::Attr;
using heirloom::Code;

namespace {

constexpr std::uint64_t huge = 1ull << 62;

struct Row {
  const char* what;
  std::function<void(Built&)> spoil;
  Code code;
  const char* message;
  const char* mark;  // the byte that the error names
  const char* tensor = "";
};

// Each spoils the small file in one way.
const Row rows[] = {
    {"magic", [](Built& b) { b.bytes[3] = 'X'; }, Code::malformed, "does not begin with", "start"},
    {"version 0", [](Built& b) { b.put_u32("version", 0); }, Code::malformed, "version 0", "version"},
    {"version 1", [](Built& b) { b.put_u32("version", 1); }, Code::unsupported, "version 1", "version"},
    {"version 4", [](Built& b) { b.put_u32("version", 4); }, Code::unsupported, "version 4", "version"},
    {"swapped version", [](Built& b) { b.put_u32("version", 0x0f000000); }, Code::unsupported, "version 15", "version"},
    {"negative tensors", [](Built& b) { b.put_u64("tensors", 1ull << 63); }, Code::malformed, "negative", "tensors"},
    {"too many tensors", [](Built& b) { b.put_u64("tensors", huge); }, Code::malformed, "do not fit", "tensors"},
    {"negative items", [](Built& b) { b.put_u64("items", UINT64_MAX); }, Code::malformed, "negative", "items"},
    {"too many items", [](Built& b) { b.put_u64("items", huge); }, Code::malformed, "do not fit", "items"},
    {"long key", [](Built& b) { b.put_u64("key:flag", 1 << 20); }, Code::malformed, "a key needs", "key:flag"},
    {"endless key", [](Built& b) { b.put_u64("key:flag", UINT64_MAX); }, Code::malformed, "a key needs", "key:flag"},
    {"empty key", [](Built& b) { b.put_u64("key:flag", 0); }, Code::malformed, "key is empty", "key:flag"},
    {"NUL in key", [](Built& b) { b.bytes[b.at["key:flag"] + 9] = 0; }, Code::malformed, "NUL", "key:flag"},
    {"same key twice", [](Built& b) { std::memcpy(&b.bytes[b.at["key:list"] + 8], "flag", 4); }, Code::malformed,
     "\"flag\" stands there twice", "key:list"},
    {"unknown type", [](Built& b) { b.put_u32("type:flag", 13); }, Code::malformed, "unknown type 13", "type:flag"},
    {"negative type", [](Built& b) { b.put_u32("type:flag", UINT32_MAX); }, Code::malformed, "unknown", "type:flag"},
    {"unknown element", [](Built& b) { b.put_u32("element:list", 99); }, Code::malformed, "99", "element:list"},
    {"nested array", [](Built& b) { b.put_u32("element:list", 9); }, Code::unsupported, "array of arrays",
     "element:list"},
    {"long array", [](Built& b) { b.put_u64("count:list", 1 << 20); }, Code::malformed, "needs 2097152", "count:list"},
    {"array size overflow", [](Built& b) { b.put_u64("count:list", 1ull << 63); }, Code::malformed, "64 bits",
     "count:list"},
    {"long array of strings", [](Built& b) { b.put_u64("count:names", 1 << 20); }, Code::malformed, "needs 8388608",
     "count:names"},
    {"strings size overflow", [](Built& b) { b.put_u64("count:names", 1ull << 61); }, Code::malformed, "64 bits",
     "count:names"},
    {"long string", [](Built& b) { b.put_u64("value:names", 1 << 20); }, Code::malformed, "a string needs",
     "value:names"},
    {"boolean 2", [](Built& b) { b.put("value:flag", 2, 1); }, Code::malformed, "neither 0 nor 1", "value:flag"},
    {"alignment of type i32", [](Built& b) { b.put_u32("type:general.alignment", 5); }, Code::malformed,
     "not of type u32", "key:general.alignment"},
    {"alignment 0", [](Built& b) { b.put_u32("value:general.alignment", 0); }, Code::malformed, "power of two",
     "key:general.alignment"},
    {"alignment 48", [](Built& b) { b.put_u32("value:general.alignment", 48); }, Code::malformed, "power of two",
     "key:general.alignment"},
    {"long name", [](Built& b) { b.put_u64("name:other", 1 << 20); }, Code::malformed, "name needs", "name:other"},
    {"NUL in name", [](Built& b) { b.bytes[b.at["name:other"] + 8] = 0; }, Code::malformed, "NUL", "name:other"},
    {"same name twice", [](Built& b) { std::memcpy(&b.bytes[b.at["name:other"] + 8], "first", 5); }, Code::malformed,
     "two tensors", "name:other", "first"},
    {"five dimensions", [](Built& b) { b.put_u32("n_dims:other", 5); }, Code::malformed, "5 dimensions",
     "n_dims:other", "other"},
    {"negative dimension", [](Built& b) { b.put_u64("ne1:first", 1ull << 63); }, Code::malformed, "negative",
     "ne1:first", "first"},
    {"slower dimension 0", [](Built& b) { b.put_u64("ne1:first", 0); }, Code::malformed, "no elements", "ne1:first",
     "first"},
    {"too many elements", [](Built& b) { b.put_u64("ne1:first", huge); }, Code::malformed, "64 bits", "n_dims:first",
     "first"},
    {"elements above 2^63", [](Built& b) { b.put_u64("ne1:first", huge / 2); }, Code::malformed, "too many elements",
     "n_dims:first", "first"},
    {"too many bytes", [](Built& b) { b.put_u64("ne1:first", huge / 4); }, Code::malformed, "64 bits", "n_dims:first",
     "first"},
    {"removed type", [](Built& b) { b.put_u32("code:first", 4); }, Code::unsupported, "type 4 was removed",
     "code:first", "first"},
    {"type 38", [](Built& b) { b.put_u32("code:first", 38); }, Code::unsupported, "removed", "code:first", "first"},
    {"type 43", [](Built& b) { b.put_u32("code:first", 43); }, Code::unsupported, "unknown type 43", "code:first",
     "first"},
    {"negative code", [](Built& b) { b.put_u32("code:first", UINT32_MAX); }, Code::unsupported, "unknown type",
     "code:first", "first"},
    {"row of half a block", [](Built& b) { b.put_u64("ne0:other", 16); }, Code::malformed, "not whole blocks of 32",
     "n_dims:other", "other"},
    {"offset of another tensor", [](Built& b) { b.put_u64("offset:other", 0); }, Code::malformed,
     "offset 0, but the tensors before it end at 32", "offset:other", "other"},
    {"gap", [](Built& b) { b.put_u64("offset:other", 64); }, Code::malformed, "offset 64", "offset:other", "other"},
    {"first offset not 0", [](Built& b) { b.put_u64("offset:first", 32); }, Code::malformed, "offset 32",
     "offset:first", "first"},
    {"tensor past the end", [](Built& b) { b.put_u64("ne2:other", 1 << 20); }, Code::malformed,
     "extend past the end of the file", "offset:other", "other"},
    {"no data", [](Built& b) { b.bytes.resize(b.at["table_end"]); }, Code::malformed, "ends before its data",
     "table_end"},
    {"last byte of the last tensor missing", [](Built& b) { b.bytes.resize(b.at["data"] + 32 + 67); }, Code::malformed,
     "extend past the end of the file", "offset:other", "other"},
};

Bytes with_name(const std::string& name) {
  FileSpec spec;
  spec.tensors = {{name, {1}, 0, noise(4, 1)}};
  return build(spec).bytes;
}

}  // namespace

TEST_CASE("each broken rule is refused with its reason, byte and tensor") {
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Built file = build(small_spec());
    file.at["start"] = 0;
    REQUIRE(read_one(file.bytes));
    row.spoil(file);
    const auto read = read_one(file.bytes);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == row.code);
    CHECK_MESSAGE(read.error().message.find(row.message) != std::string::npos, read.error().message);
    CHECK(read.error().position == file.at.at(row.mark));
    CHECK(read.error().tensor == row.tensor);
    CHECK(read.error().file == "a.gguf");
  }
}

TEST_CASE("a name of 63 bytes is read, one of 64 is refused") {
  CHECK(read_one(with_name(std::string(63, 'x'))));
  const auto refused = read_one(with_name(std::string(64, 'x')));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::malformed);
  CHECK(refused.error().position == 24);
}

TEST_CASE("a boolean other than 0 and 1 in an array is named by its own byte") {
  FileSpec spec;
  spec.attrs = {Attr::array<bool>("flags", {true, false, true})};
  Built file = build(spec);
  REQUIRE(read_one(file.bytes));
  file.bytes[file.at["value:flags"] + 2] = 255;
  const auto refused = read_one(file.bytes);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().position == file.at["value:flags"] + 2);
}

TEST_CASE("sizes whose padding or sum does not fit 64 bits are refused at the offset") {
  FileSpec spec;
  spec.tensors = {{"t", {(1ull << 61) - 1}, 27, {}}};
  const Built file = build(spec);
  const auto refused = read_one(file.bytes);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::malformed);
  CHECK(refused.error().position == file.at.at("offset:t"));
}

TEST_CASE("more than four million items, or a header above 256 MiB, exceed a stated limit") {
  Built many = build({});
  many.bytes.resize(64u << 20);
  many.put_u64("items", (1u << 22) + 1);
  const auto items = read_one(many.bytes);
  REQUIRE_FALSE(items);
  CHECK(items.error().code == Code::limit);
  CHECK(items.error().position == many.at["items"]);

  FileSpec spec;
  spec.attrs = {Attr::array<std::uint8_t>("blob", {})};
  Built large = build(spec);
  large.put_u64("count:blob", 1u << 28);
  large.bytes.resize((1u << 28) + 100);
  const auto header = read_one(large.bytes);
  REQUIRE_FALSE(header);
  CHECK(header.error().code == Code::limit);
  CHECK(header.error().position == large.at["count:blob"]);
}

TEST_CASE("a file cut at any byte is refused, unless only the last padding is missing") {
  const Built file = build(small_spec());
  const std::size_t last_byte = file.at.at("data") + 32 + 68;
  for (std::size_t size = 0; size < file.bytes.size(); ++size) {
    CAPTURE(size);
    const auto read = read_one(Bytes(file.bytes.begin(), file.bytes.begin() + static_cast<std::ptrdiff_t>(size)));
    REQUIRE(read.has_value() == (size >= last_byte));
    if (!read) {
      CHECK(read.error().code == Code::malformed);
      CHECK(read.error().position <= size);
    }
  }
}

TEST_CASE("a file with any one bit flipped is refused, or described without a fault and written again as described") {
  for (const bool big_endian : {false, true}) {
    FileSpec spec = small_spec();
    spec.big_endian = big_endian;
    const Bytes good = build(spec).bytes;
    std::size_t accepted = 0;
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      Bytes bad = good;
      bad[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
      const FileMap files = {{"a.gguf", bad}};
      const auto read = read_model(files, "a.gguf");
      if (!read) {
        REQUIRE(read.error().position <= bad.size());
        continue;
      }
      ++accepted;
      REQUIRE(fault_of(*read, files) == "");
      if (big_endian)
        continue;
      const auto written = rewrite(files, "a.gguf", options("b.gguf"));
      if (!written)
        continue;
      const auto again = read_model(*written, "b.gguf");
      REQUIRE(again);
      REQUIRE(again->attrs == read->attrs);
      REQUIRE(tensor_bytes(*again, *written) == tensor_bytes(*read, files));
    }
    CHECK(accepted > 100 * 8);  // flips in the tensors' own bytes at least
  }
}
