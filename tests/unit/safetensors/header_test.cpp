#include "build_file.hpp"

#include <doctest/doctest.h>

#include <vector>

using heirloom::test::Bytes;
using heirloom::test::read_safetensors;
using heirloom::test::safetensors_file;
using heirloom::Code;
using heirloom::Extent;

namespace {

constexpr std::size_t no_needle = std::string_view::npos;
constexpr std::uint64_t header_at = 8;

// A header that breaks one rule. The error points at the first place where `needle` stands in the header.
struct Broken {
  const char* what;
  std::string_view header;
  std::size_t data_bytes;
  Code code;
  const char* message;
  std::string_view needle;
};

using std::string_view_literals::operator""sv;

const Broken broken_headers[] = {
    {"not UTF-8", "{\"\xff\":1}"sv, 0, Code::malformed, "header is not UTF-8", "{"},
    {"empty", ""sv, 0, Code::malformed, "header is empty", ""},
    {"only white space", "   "sv, 0, Code::malformed, "header is empty", " "},
    {"not JSON", "{\"a\" 1}"sv, 0, Code::malformed, "not valid JSON", "{"},
    {"an unclosed object", "{\"a\":{}"sv, 0, Code::malformed, "no dtype", "\"a\""},
    {"a comma too many", R"({"__metadata__":{},})"sv, 0, Code::malformed, "not valid JSON", "{},}"},
    {"an unclosed string", "{\"a"sv, 0, Code::malformed, "a string without end", "{"},
    {"a line end inside a string", "{\"__metadata__\":{\"k\":\"\n\"}}"sv, 0, Code::malformed, "control character", "{"},
    {"half a surrogate pair", R"({"__metadata__":{"k":"\ud800"}})"sv, 0, Code::malformed, "wrong escape", "\"\\ud800"},
    {"half a surrogate pair in a name", R"({"\udc00":1})"sv, 0, Code::malformed, "wrong escape", "\"\\udc00"},
    {"an array", "[]"sv, 0, Code::malformed, "header is not an object", "["},
    {"a number", "12"sv, 0, Code::malformed, "header is not an object", "1"},
    {"text after the end", "{} {1}"sv, 0, Code::malformed, "text after its end", "{1}"},
    {"zeros after the end", "{}\0\0"sv, 0, Code::malformed, "not valid JSON", "{"},
    {"a byte order mark", "\xef\xbb\xbf{}"sv, 0, Code::malformed, "header is not an object", "\xef"},
    {"metadata that is no object", R"({"__metadata__":7})"sv, 0, Code::malformed, "__metadata__ is not an object", "7"},
    {"a metadata value that is a number", R"({"__metadata__":{"k":1}})"sv, 0, Code::malformed,
     "metadata \"k\" is not a string", "1"},
    {"a metadata value that is an object", R"({"__metadata__":{"k":{}}})"sv, 0, Code::malformed, "is not a string",
     "{}"},
    {"a metadata value that is null", R"({"__metadata__":{"k":null}})"sv, 0, Code::malformed, "is not a string",
     "null"},
    {"a wrong atom for metadata", R"({"__metadata__":nule})"sv, 0, Code::malformed, "not valid JSON", "nule"},
    {"two metadata members", R"({"__metadata__":{}, "__metadata__":null})"sv, 0, Code::malformed,
     "duplicate name \"__metadata__\"", "\"__metadata__\":null"},
    {"two metadata items of one key", R"({"__metadata__":{"k":"1","\u006b":"2"}})"sv, 0, Code::malformed,
     "duplicate metadata key \"k\"", "\"\\u006b\""},
    {"a tensor that is no object", R"({"a":[]})"sv, 0, Code::malformed, "entry is not an object", "[]"},
    {"a tensor without dtype", R"({"a":{"shape":[0],"data_offsets":[0,0]}})"sv, 0, Code::malformed, "no dtype",
     "\"a\""},
    {"a tensor without shape", R"({"a":{"dtype":"U8","data_offsets":[0,0]}})"sv, 0, Code::malformed, "no shape",
     "\"a\""},
    {"a tensor without offsets", R"({"a":{"dtype":"U8","shape":[0]}})"sv, 0, Code::malformed, "no data_offsets",
     "\"a\""},
    {"a field that comes twice", R"({"a":{"dtype":"U8","dtype":"I8","shape":[0],"data_offsets":[0,0]}})"sv, 0,
     Code::malformed, "duplicate field \"dtype\"", "\"dtype\":\"I8\""},
    {"a dtype that is no string", R"({"a":{"dtype":1,"shape":[0],"data_offsets":[0,0]}})"sv, 0, Code::malformed,
     "dtype is not a string", "1"},
    {"an unknown dtype", R"({"a":{"dtype":"I4","shape":[0],"data_offsets":[0,0]}})"sv, 0, Code::unsupported,
     "unknown dtype \"I4\"", "\"I4\""},
    {"a dtype in lower case", R"({"a":{"dtype":"f32","shape":[0],"data_offsets":[0,0]}})"sv, 0, Code::unsupported,
     "unknown dtype \"f32\"", "\"f32\""},
    {"a shape that is no array", R"({"a":{"dtype":"U8","shape":2,"data_offsets":[0,2]}})"sv, 2, Code::malformed,
     "shape is not an array", "2"},
    {"a dimension with a point", R"({"a":{"dtype":"U8","shape":[2.0],"data_offsets":[0,2]}})"sv, 2, Code::malformed,
     "an item of shape is not a whole number", "2.0"},
    {"a dimension with an exponent", R"({"a":{"dtype":"U8","shape":[2e0],"data_offsets":[0,2]}})"sv, 2, Code::malformed,
     "an item of shape is not a whole number", "2e0"},
    {"a negative dimension", R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})"sv, 1, Code::malformed,
     "an item of shape is not a whole number", "-1"},
    {"a dimension that is a string", R"({"a":{"dtype":"U8","shape":["2"],"data_offsets":[0,2]}})"sv, 2, Code::malformed,
     "an item of shape is not a whole number", "\"2\""},
    {"a dimension of more than 64 bits",
     R"({"a":{"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,0]}})"sv,
     0, Code::malformed, "an item of shape is not a whole number", "18446744073709551616"},
    {"one offset", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})"sv, 1, Code::malformed,
     "data_offsets has 1 items, not 2", "[0]"},
    {"three offsets", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}})"sv, 1, Code::malformed,
     "data_offsets has 3 items, not 2", "[0,1,1]"},
    {"a negative offset", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,-1]}})"sv, 1, Code::malformed,
     "an item of data_offsets is not a whole number", "-1"},
    {"offsets in the wrong order", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}})"sv, 1, Code::malformed,
     "data_offsets end before they begin", "\"a\""},
    {"data that does not begin at 0", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})"sv, 2, Code::malformed,
     "a hole before the data: it begins at 1, but the data before ends at 0", "\"a\""},
    {"a hole between tensors",
     R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})"sv,
         3,
     Code::malformed, "a hole before the data", "\"b\""},
    {"tensors that overlap",
     R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})"sv,
         3,
     Code::malformed, "data overlaps another tensor", "\"b\""},
    {"tensors that share their data",
     R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})"sv,
         2,
     Code::malformed, "data overlaps another tensor", "\"b\""},
    {"two tensors of one name",
     R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}, "a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})"sv,
         2,
     Code::malformed, "duplicate name \"a\"", "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]"},
    {"a shape whose product overflows",
     R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})"sv, 0, Code::malformed,
     "does not fit 64 bits", "\"a\""},
    {"a product that overflows before a 0",
     R"({"a":{"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}})"sv,
     0, Code::malformed, "does not fit 64 bits", "\"a\""},
    {"a size that overflows", R"({"a":{"dtype":"F32","shape":[9223372036854775807],"data_offsets":[0,0]}})"sv, 0,
     Code::malformed, "does not fit 64 bits", "\"a\""},
    {"half a byte of F4", R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}})"sv, 2, Code::malformed,
     "3 elements are not whole blocks of 2", "\"a\""},
    {"bits left over of F6", R"({"a":{"dtype":"F6_E2M3","shape":[2],"data_offsets":[0,2]}})"sv, 2, Code::malformed,
     "2 elements are not whole blocks of 4", "\"a\""},
    {"fewer bytes than the shape needs", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})"sv, 4,
     Code::malformed, "data_offsets hold 4 bytes, but shape and dtype need 8", "\"a\""},
    {"more bytes than the shape needs", R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,8]}})"sv, 8,
     Code::malformed, "data_offsets hold 8 bytes, but shape and dtype need 4", "\"a\""},
    {"a file that ends before its data", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})"sv, 7,
     Code::malformed, "data extends past the end of the file", {}},
    {"bytes after the data", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})"sv, 9, Code::malformed,
     "1 bytes after the last tensor", {}},
};

std::uint64_t place_of(const Broken& row, std::uint64_t file_bytes) {
  if (row.needle.data() != nullptr)
    return header_at + row.header.find(row.needle);
  return std::min<std::uint64_t>(file_bytes, header_at + row.header.size() + 8);  // where data of 8 bytes ends
}

std::string nested(std::size_t depth) {
  return R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":)" + std::string(depth, '[') + std::string(depth,
      ']') +
         "}}";
}

}  // namespace

TEST_CASE("each broken header is an error that says whose fault, what and where") {
  for (const Broken& row : broken_headers) {
    INFO(std::string(row.what));
    const Bytes file = safetensors_file(row.header, row.data_bytes);
    const auto read = read_safetensors(file);
    REQUIRE_FALSE(read);
    CAPTURE(read.error().message);
    CHECK(read.error().code == row.code);
    CHECK(read.error().message.find(row.message) != no_needle);
    CHECK(read.error().position == place_of(row, file.size()));
    CHECK(read.error().file == "a.safetensors");
  }
}

TEST_CASE("an error about one tensor names it") {
  const auto read = read_safetensors(safetensors_file(R"({"w.1":{"dtype":"Q8","shape":[0],"data_offsets":[0,0]}})", 0));
  REQUIRE_FALSE(read);
  CHECK(read.error().tensor == "w.1");
}

TEST_CASE("a file without room for a header is malformed where it ends") {
  for (std::size_t size = 0; size < 8; ++size) {
    const auto read = read_safetensors(Bytes(size, 0));
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Code::malformed);
    CHECK(read.error().message.find("too small") != no_needle);
    CHECK(read.error().position == size);
  }
}

TEST_CASE("a header longer than the file is malformed at its length") {
  Bytes file = safetensors_file("{}", 0);
  file[0] = 3;
  const auto read = read_safetensors(file);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Code::malformed);
  CHECK(read.error().message.find("extends past the end of the file") != no_needle);
  CHECK(read.error().position == 0);
}

TEST_CASE("a header longer than a hundred million bytes breaks the limit before anything is allocated") {
  for (const std::uint64_t size : {std::uint64_t{100'000'001}, UINT64_MAX}) {
    Bytes file = safetensors_file("{}", 0);
    for (std::size_t i = 0; i < 8; ++i)
      file[i] = static_cast<std::uint8_t>(size >> (8 * i));
    const auto read = read_safetensors(file);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Code::limit);
    CHECK(read.error().message.find("exceeds the limit of 100000000") != no_needle);
    CHECK(read.error().position == 0);
  }
}

TEST_CASE("a header may nest as deep as the reference allows and no deeper") {
  CHECK(read_safetensors(safetensors_file(nested(125), 0)));
  const auto read = read_safetensors(safetensors_file(nested(126), 0));
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Code::limit);
}

TEST_CASE("white space around the header, unknown fields and null metadata are accepted") {
  const auto read = read_safetensors(safetensors_file(
      "\n\t {\"__metadata__\":null,\"a\":{\"x\":{\"y\":[1,-2.5e3,true,false,null,\"z\\n\"]},\"data_offsets\":[0,2],"
      "\"dtype\":\"F16\",\"shape\":[ 1 ,1]}}\r\n  ", 2));
  REQUIRE(read);
  CHECK(read->attrs.empty());
  REQUIRE(read->tensors.size() == 1);
  CHECK(read->tensors[0].shape == std::vector<std::uint64_t>{1, 1});
}

TEST_CASE("what an unknown field holds must still be JSON") {
  for (const std::string value : {"tru", "nul", "01", "1.", "[1,]", "{1:2}", "\"\\x\"", "[1 2]", "-", "truefalse"}) {
    CAPTURE(value);
    const std::string header = R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":)";
    CHECK_FALSE(read_safetensors(safetensors_file(header + value + "}}", 0)));
  }
}

TEST_CASE("a header without tensors is a checkpoint without tensors") {
  const auto read = read_safetensors(safetensors_file("{}", 0));
  REQUIRE(read);
  CHECK(read->format == "safetensors");
  CHECK(read->tensors.empty());
}

TEST_CASE("tensors come in the order of their data, with absolute places; metadata in the order of the header") {
  const auto read = read_safetensors(safetensors_file(
      R"({"b":{"dtype":"BF16","shape":[2],"data_offsets":[4,8]},"__metadata__":{"z":"1","a":"\u00e9"},)"
      R"("e":{"dtype":"I8","shape":[0,3],"data_offsets":[4,4]},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})",
          8));
  REQUIRE(read);
  const std::uint64_t data_start = read->files[0].size - 8;
  REQUIRE(read->tensors.size() == 3);
  CHECK(read->tensors[0] == heirloom::Tensor{"a", "f32", {}, {Extent{0, data_start, 4}}});
  CHECK(read->tensors[1] == heirloom::Tensor{"e", "i8", {0, 3}, {Extent{0, data_start + 4, 0}}});
  CHECK(read->tensors[2] == heirloom::Tensor{"b", "bf16", {2}, {Extent{0, data_start + 4, 4}}});
  CHECK(read->attrs == std::vector{heirloom::Attr::text("z", "1"), heirloom::Attr::text("a", "\xc3\xa9")});
  CHECK(read->encodings.size() == 3);
}
