#include "tests/unit/numpy/support.hpp"

using heirloom::Code;
using heirloom::test::build_zip;
using heirloom::test::Bytes;
using heirloom::test::bytes_of;
using heirloom::test::counting;
using heirloom::test::dictionary;
using heirloom::test::MemoryHost;
using heirloom::test::npy;
using heirloom::test::OpenFile;
namespace numpy = heirloom::numpy;

TEST_CASE("an array in C order is described and lies plain, in every version of the format") {
  for (const unsigned major : {1u, 2u, 3u}) {
    const OpenFile file("weights.npy", npy(dictionary("<f4", "(2, 3)"), counting(24), major));
    REQUIRE(file.is_open());
    const auto& checkpoint = file.description();
    CHECK(checkpoint.format == "npy");
    CHECK(checkpoint.version == std::to_string(major) + ".0");
    REQUIRE(checkpoint.tensors.size() == 1);
    CHECK(checkpoint.tensors[0].name == "weights");
    CHECK(checkpoint.tensors[0].encoding == "f32");
    CHECK(checkpoint.tensors[0].shape == std::vector<std::uint64_t>{2, 3});
    CHECK_FALSE(checkpoint.tensors[0].decoded);
    CHECK(file.bytes(0, 24) == counting(24));
  }
}

TEST_CASE("each type of numbers has its encoding, and its byte order is kept") {
  struct Row {
    const char* type;
    const char* encoding;
    std::size_t bytes;
    bool is_big = false;
  };
  const Row rows[] = {{"<f2", "f16", 2}, {"<f8", "f64", 8}, {">f4", "f32", 4, true}, {"|i1", "i8", 1}, {"<i2", "i16", 2},
                      {">i4", "i32", 4, true}, {"<i8", "i64", 8}, {"|u1", "u8", 1}, {"<u2", "u16", 2}, {"<u4", "u32", 4},
                      {">u8", "u64", 8, true}, {"|b1", "bool", 1}, {">b1", "bool", 1}, {"<c8", "c64", 8}, {"<c16", "c128", 16},
                      {"|V2", "bf16", 2}, {"<V2", "bf16", 2}, {"bfloat16", "bf16", 2}, {"float8_e4m3fn", "f8_e4m3", 1},
                      {"float8_e5m2", "f8_e5m2", 1}, {"float8_e8m0fnu", "f8_e8m0", 1}};
  for (const Row& row : rows) {
    CAPTURE(row.type);
    const OpenFile file("a.npy", npy(dictionary(row.type, "(3,)"), counting(3 * row.bytes)));
    REQUIRE(file.is_open());
    CHECK(file.description().tensors[0].encoding == row.encoding);
    CHECK(file.description().tensors[0].big_endian == row.is_big);
    CHECK(file.description().warnings.size() == (std::string(row.type).ends_with("V2") ? 1 : 0));
  }
}

TEST_CASE("headers are read as Python would: any order, either quote, no last comma, numbers of Python 2") {
  for (const char* text : {"{'shape':(2L, 3L),'fortran_order':False,'descr':'<f4'}", "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (2,3)}",
                           "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3,), }"}) {
    CAPTURE(text);
    const OpenFile file("a.npy", npy(text, counting(24)));
    REQUIRE_MESSAGE(file.is_open(), file.error().message);
    CHECK(file.description().tensors[0].shape == std::vector<std::uint64_t>{2, 3});
  }
}

TEST_CASE("Fortran order is turned, whatever the pieces") {
  // Element (i, j, k) of a 5 x 3 x 4 array of u16 is its number in C order.
  const std::uint64_t a = 5, b = 3, c = 4;
  Bytes in_c(a * b * c * 2), in_fortran(a * b * c * 2);
  for (std::uint64_t i = 0; i < a; ++i)
    for (std::uint64_t j = 0; j < b; ++j)
      for (std::uint64_t k = 0; k < c; ++k) {
        const std::uint64_t number = (i * b + j) * c + k;
        const std::uint64_t place = i + a * (j + b * k);
        in_c[number * 2] = in_fortran[place * 2] = static_cast<std::uint8_t>(number);
        in_c[number * 2 + 1] = in_fortran[place * 2 + 1] = 0xee;
      }
  const Bytes file = npy(dictionary("<u2", "(5, 3, 4)", true), in_fortran);
  const Bytes archive = build_zip({{{"x.npy", file, true}, {"y.npy", file}}}).bytes;
  for (const std::size_t step : {1u, 3u, 7u, 24u, 1000u}) {
    CAPTURE(step);
    const OpenFile alone("x.npy", file);
    REQUIRE(alone.is_open());
    CHECK(alone.description().tensors[0].decoded);
    CHECK(alone.bytes(0, in_c.size(), step) == in_c);
    const OpenFile both("x.npz", archive);
    CHECK(both.bytes(0, in_c.size(), step) == in_c);
    CHECK(both.bytes(1, in_c.size(), step) == in_c);
  }
}

TEST_CASE("large arrays in Fortran order are turned by whole columns and by parts of them") {
  for (const auto& [rows, columns] : {std::pair<std::uint64_t, std::uint64_t>{100, 3000}, {30'000, 11}}) {
    Bytes in_c(rows * columns * 4), in_fortran(in_c.size());
    for (std::uint64_t i = 0; i < rows; ++i)
      for (std::uint64_t j = 0; j < columns; ++j)
        for (std::uint64_t byte = 0; byte < 4; ++byte)
          in_c[(i * columns + j) * 4 + byte] = in_fortran[(i + rows * j) * 4 + byte] =
              static_cast<std::uint8_t>((i * columns + j) >> 8 * byte);
    const OpenFile file("x.npy", npy(dictionary("<f4", "(" + std::to_string(rows) + ", " + std::to_string(columns) + ")", true),
                                     in_fortran));
    CHECK((file.bytes(0, in_c.size(), 50'000) == in_c));
  }
}

TEST_CASE("Fortran order with one dimension that counts is plain") {
  for (const char* shape : {"(6,)", "(1, 6)", "(6, 1, 1)", "()", "(0, 5)"}) {
    CAPTURE(shape);
    const std::size_t size = std::string(shape) == "()" ? 4 : std::string(shape) == "(0, 5)" ? 0 : 24;
    const OpenFile file("a.npy", npy(dictionary("<f4", shape, true), counting(size)));
    REQUIRE(file.is_open());
    CHECK_FALSE(file.description().tensors[0].decoded);
  }
}

TEST_CASE("an archive's arrays are its tensors: stored ones lie plain under a checksum, deflated ones are decoded") {
  const Bytes stored = npy(dictionary("<f4", "(2, 3)"), counting(24));
  const Bytes deflated = npy(dictionary(">i2", "(1000,)"), counting(2000));
  const OpenFile file("m.npz", build_zip({{{"layer/weight.npy", stored}, {"bias.npy", deflated, true}, {"note", bytes_of("x")}}}).bytes);
  REQUIRE_MESSAGE(file.is_open(), file.error().message);
  const auto& checkpoint = file.description();
  REQUIRE(checkpoint.tensors.size() == 2);
  CHECK(checkpoint.tensors[0].name == "layer/weight");
  CHECK(file.bytes(0, 24) == counting(24));
  CHECK(checkpoint.tensors[1].name == "bias");
  CHECK(checkpoint.tensors[1].decoded);
  CHECK(checkpoint.tensors[1].big_endian);
  CHECK(file.bytes(1, 2000, 300) == counting(2000));
  REQUIRE(checkpoint.checksums.size() == 1);
  CHECK(checkpoint.checksums[0].size == stored.size());
  CHECK(checkpoint.checksums[0].crc32 == heirloom::zip::crc32(stored));
  REQUIRE(checkpoint.warnings.size() == 1);
  CHECK(checkpoint.warnings[0].find("the first is \"note\"") != std::string::npos);
}

TEST_CASE("arrays of an archive that hold no numbers are left out with their reason; alone they are refused") {
  const Bytes objects = npy(dictionary("|O", "(1,)"), counting(10)), numbers = npy(dictionary("<f4", "(1,)"), counting(4));
  const OpenFile both("m.npz", build_zip({{{"o.npy", objects}, {"n.npy", numbers}}}).bytes);
  REQUIRE(both.is_open());
  REQUIRE(both.description().left_out.size() == 1);
  CHECK(both.description().left_out[0].name == "o");
  CHECK(both.description().left_out[0].reason.find("pickle") != std::string::npos);
  const OpenFile alone("m.npz", build_zip({{{"o.npy", objects}}}).bytes);
  REQUIRE_FALSE(alone.is_open());
  CHECK(alone.error().code == Code::unsupported);
  CHECK(alone.error().message.find("pickle") != std::string::npos);
}

TEST_CASE("formats are told apart by content") {
  const auto probe = [](std::uint32_t format, const Bytes& bytes, const char* name) {
    const MemoryHost host({{name, bytes}}, name);
    return numpy::NumpyReader().probe(format, host.files()).value();
  };
  const Bytes array = npy(dictionary("<f4", "(1,)"), counting(4));
  CHECK(probe(numpy::npy_format, array, "a") == HEIRLOOM_PROBE_CONTENT);
  CHECK(probe(numpy::npz_format, array, "a.npz") == HEIRLOOM_PROBE_NO);
  CHECK(probe(numpy::npz_format, build_zip({{{"a.npy", array}}}).bytes, "x") == HEIRLOOM_PROBE_CONTENT);
  CHECK(probe(numpy::npz_format, build_zip({{{"archive/data.pkl", array}}}).bytes, "a.npz") == HEIRLOOM_PROBE_NO);
  CHECK(probe(numpy::npz_format, build_zip({}).bytes, "a.npz") == HEIRLOOM_PROBE_MAYBE);
  CHECK(probe(numpy::npy_format, {}, "a.npy") == HEIRLOOM_PROBE_NO);
}
