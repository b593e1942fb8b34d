#include "tests/unit/numpy/support.hpp"

using heirloom::Code;
using heirloom::test::build_zip;
using heirloom::test::Bytes;
using heirloom::test::bytes_of;
using heirloom::test::counting;
using heirloom::test::dictionary;
using heirloom::test::npy;
using heirloom::test::OpenFile;

namespace {

struct Row {
  const char* what;
  Bytes file;
  Code code;
  const char* message;
  std::uint64_t position;
};

Bytes header(const char* text) { return npy(text, counting(24)); }

Bytes spoiled(std::size_t at, std::uint8_t byte) {
  Bytes file = npy(dictionary("<f4", "(2, 3)"), counting(24));
  file[at] = byte;
  return file;
}

Bytes cut(std::size_t size) {
  Bytes file = npy(dictionary("<f4", "(2, 3)"), counting(24));
  file.resize(size);
  return file;
}

Bytes longer() {
  Bytes file = npy(dictionary("<f4", "(2, 3)"), counting(25));
  return file;
}

Bytes huge_header() {
  Bytes file = npy(dictionary("<f4", "(2, 3)"), counting(24), 2);
  file[11] = 1;
  return file;
}

const Row rows[] = {
    {"magic", spoiled(1, 'X'), Code::malformed, "does not begin with", 0},
    {"version 4", spoiled(6, 4), Code::unsupported, "version 4.0", 6},
    {"version 1.1", spoiled(7, 1), Code::unsupported, "version 1.1", 6},
    {"cut in the start", cut(9), Code::malformed, "ends inside its header", 9},
    {"cut in the header", cut(40), Code::malformed, "ends inside its header", 40},
    {"cut in the array", cut(128 - 64 + 64 + 10), Code::malformed, "has 24 bytes, but the file ends after 10", 138},
    {"bytes behind", longer(), Code::malformed, "bytes follow the array", 152},
    {"huge header", huge_header(), Code::limit, "a header of 16777332 bytes", 8},
    {"no dictionary", header("('descr', '<f4')"), Code::malformed, "no dictionary", 10},
    {"unclosed", header("{'descr': '<f4', "), Code::malformed, "no dictionary of names", 64},
    {"no colon", header("{'descr' '<f4'}"), Code::malformed, "no dictionary of names", 19},
    {"no comma", header("{'descr': '<f4' 'shape': (2,)}"), Code::malformed, "no dictionary of names", 26},
    {"number for a key", header("{1: 2}"), Code::malformed, "no dictionary of names", 11},
    {"unknown key", header("{'descr': '<f4', 'order': False}"), Code::malformed, "repeated key \"order\"", 27},
    {"key twice", header("{'descr': '<f4', 'descr': '<f4'}"), Code::malformed, "repeated key \"descr\"", 27},
    {"no shape", header("{'descr': '<f4', 'fortran_order': False}"), Code::malformed, "lacks \"shape\"", 10},
    {"no order", header("{'descr': '<f4', 'shape': (6,)}"), Code::malformed, "lacks \"fortran_order\"", 10},
    {"no type", header("{'fortran_order': False, 'shape': (6,)}"), Code::malformed, "lacks \"descr\"", 10},
    {"text behind", header("{'descr': '<f4', 'fortran_order': False, 'shape': (6,)} + x"), Code::malformed, "goes on", 66},
    {"order 0", header("{'descr': '<f4', 'fortran_order': 0, 'shape': (6,)}"), Code::malformed, "neither True", 44},
    {"shape without a comma", header("{'descr': '<f4', 'fortran_order': False, 'shape': (6)}"), Code::malformed,
     "no tuple", 63},
    {"shape of text", header("{'descr': '<f4', 'fortran_order': False, 'shape': ('6',)}"), Code::malformed, "no tuple", 61},
    {"negative shape", header("{'descr': '<f4', 'fortran_order': False, 'shape': (-6,)}"), Code::malformed, "no tuple", 61},
    {"octal shape", header("{'descr': '<f4', 'fortran_order': False, 'shape': (06,)}"), Code::malformed, "no tuple", 61},
    {"shape too large", header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}"), Code::malformed,
     "no tuple", 61},
    {"shape overflows", header("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}"),
     Code::malformed, "too large", 10},
    {"bytes overflow", header("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,)}"), Code::malformed,
     "too large", 10},
    {"call", header("{'descr': __import__('os'), 'shape': (6,)}"), Code::malformed, "\"descr\" is no text", 20},
    {"escape", header("{'descr': '\\x3cf4', 'shape': (6,)}"), Code::malformed, "\"descr\" is no text", 21},
    {"fields", header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,)}"), Code::unsupported, "fields", 20},
    {"objects", header("{'descr': '|O', 'fortran_order': False, 'shape': (6,)}"), Code::unsupported, "pickle", 20},
    {"text", header("{'descr': '<U6', 'fortran_order': False, 'shape': (1,)}"), Code::unsupported, "holds text", 20},
    {"dates", header("{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (3,)}"), Code::unsupported, "dates", 20},
    {"raw bytes", header("{'descr': '|V1', 'fortran_order': False, 'shape': (24,)}"), Code::unsupported, "raw bytes", 20},
    {"long double", header("{'descr': '<f16', 'fortran_order': False, 'shape': (1,)}"), Code::unsupported,
     "not the same on every machine", 20},
    {"no byte order", header("{'descr': 'f4', 'fortran_order': False, 'shape': (6,)}"), Code::unsupported, "byte order", 20},
    {"native byte order", header("{'descr': '=f4', 'fortran_order': False, 'shape': (6,)}"), Code::unsupported, "byte order",
     20},
    {"unknown", header("{'descr': '<q4', 'fortran_order': False, 'shape': (6,)}"), Code::unsupported, "no type of numbers",
     20},
};

}  // namespace

TEST_CASE("each way to spoil a .npy file is refused with its reason and byte") {
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const OpenFile file("a.npy", row.file);
    REQUIRE_FALSE(file.is_open());
    CAPTURE(file.error().message);
    CHECK(file.error().code == row.code);
    CHECK(file.error().message.find(row.message) != std::string::npos);
    CHECK(file.error().file == "a.npy");
    CHECK(file.error().position == row.position);
  }
}

TEST_CASE("what is wrong inside an archive is told with the member and the byte of the archive") {
  auto built = build_zip({{{"good.npy", npy(dictionary("<f4", "(1,)"), counting(4))}, {"bad.npy", spoiled(1, 'X')}}});
  const OpenFile file("m.npz", built.bytes);
  REQUIRE_FALSE(file.is_open());
  CHECK(file.error().message.find("\"bad.npy\": does not begin with") == 0);
  CHECK(file.error().position == built.at["payload:bad.npy"]);
  const OpenFile broken("m.npz", build_zip({{{"short.npy", cut(138), true}}}).bytes);
  REQUIRE_FALSE(broken.is_open());
  CHECK(broken.error().message.find("ends after 10 of them") != std::string::npos);
}
