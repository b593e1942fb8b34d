// Pickles that break the rules, one row each: what is wrong, the bytes, whose fault, what the message says, and at which byte.
#include "plugins/common/pickle/parse.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace heirloom;
using namespace heirloom::pickle;
using namespace std::string_literals;

namespace {

struct Malformation {
  const char* name;
  std::string bytes;
  Code code;
  const char* message;
  std::uint64_t position;
};

const Malformation malformations[] = {
    {"nothing at all", ""s, Code::malformed, "needs 1 more bytes", 0},
    {"no STOP", "N"s, Code::malformed, "needs 1 more bytes", 1},
    {"STOP with nothing", "."s, Code::malformed, "STOP comes with 0 values", 0},
    {"STOP with two values", "NN."s, Code::malformed, "STOP comes with 2 values", 2},
    {"STOP above a mark", "N(."s, Code::malformed, "1 marks", 2},
    {"a byte that is no opcode", "N\xff."s, Code::malformed, "byte 0xff is no opcode", 1},
    {"a byte that is no opcode, printable", "Nz."s, Code::malformed, "byte 0x7a is no opcode", 1},
    {"protocol 6", "\x80\x06N."s, Code::unsupported, "PROTO says protocol 6", 0},
    {"a frame longer than the pickle", "\x80\x04\x95\xff\0\0\0\0\0\0\0N."s, Code::malformed, "FRAME says 255 bytes", 2},
    {"an extension code", "\x82\x07."s, Code::unsupported, "EXT1 asks for entry 7", 0},
    {"a buffer outside", "\x97."s, Code::unsupported, "NEXT_BUFFER", 0},
    {"text longer than the pickle", "X\xff\0\0\0abc."s, Code::malformed, "needs 255 more bytes", 5},
    {"text with a length near 2^64", "\x8d\xff\xff\xff\xff\xff\xff\xff\xff."s, Code::malformed, "needs 18446744073709551615", 9},
    {"bytes longer than the pickle", "B\xff\xff\xff\xff."s, Code::malformed, "needs 4294967295", 5},
    {"text that is not UTF-8", "X\x02\0\0\0\xc3\x28."s, Code::malformed, "BINUNICODE holds text that is not UTF-8", 0},
    {"a surrogate as UTF-8", "\x8c\x03\xed\xa0\x80."s, Code::malformed, "not UTF-8", 0},
    {"a surrogate as an escape", "V\\ud800\n."s, Code::malformed, "UNICODE holds an escape", 0},
    {"an escape cut short", "V\\u12\n."s, Code::malformed, "UNICODE holds an escape", 0},
    {"an escape past the last character", "V\\U00110000\n."s, Code::malformed, "UNICODE holds an escape", 0},
    {"a string without quotes", "Sabc\n."s, Code::malformed, "STRING holds no quoted string", 0},
    {"a string with one quote", "S'\n."s, Code::malformed, "STRING holds no quoted string", 0},
    {"a string with a cut escape", "S'\\x1'\n."s, Code::malformed, "STRING holds no quoted string", 0},
    {"an integer that is text", "Iabc\n."s, Code::malformed, "INT holds no decimal integer", 0},
    {"an integer without digits", "I-\n."s, Code::malformed, "INT holds no decimal integer", 0},
    {"a long integer of 5000 digits", "L" + std::string(5000, '9') + "\n.", Code::malformed, "at most 4300 digits", 0},
    {"a number that is text", "Fabc\n."s, Code::malformed, "FLOAT holds no decimal number", 0},
    {"a line that never ends", "I" + std::string(2000, '1'), Code::malformed, "ends inside a line", 1},
    {"a line of two megabytes", "V" + std::string(2u << 20, 'a') + "\n.", Code::limit, "a line of more than 1048576 bytes", 1},
    {"a global of one line", "cos\n"s, Code::malformed, "ends inside a line", 4},
    {"a global that is not UTF-8", "co\xff\nx\n."s, Code::malformed, "GLOBAL names a global that is not UTF-8", 0},
    {"a global from numbers", "I1\nI2\n\x93."s, Code::malformed, "STACK_GLOBAL names a global by an integer and an integer", 6},
    {"a global from computed text", "cbuiltins\nstr\n)RVx\n\x93."s, Code::malformed,
     "by a call of \"builtins.str\" and text", 19},
    {"a global from one value", "Vos\n\x93."s, Code::malformed, "needs 2 values", 4},
    {"REDUCE on nothing", "R."s, Code::malformed, "REDUCE needs 2 values", 0},
    {"REDUCE across a mark", "cos\nsystem\n()R."s, Code::malformed, "REDUCE needs 2 values, but the stack has 1", 13},
    {"REDUCE with a list", "cos\nsystem\n]R."s, Code::malformed, "would call the global \"os.system\" with a list", 12},
    {"REDUCE of text", "Vos.system\n)R."s, Code::malformed, "would call text", 12},
    {"NEWOBJ of a list", "])\x81."s, Code::malformed, "would call a list", 2},
    {"NEWOBJ_EX with keywords that are none", "ca\nb\n)]\x92."s, Code::malformed, "keywords that are a list", 7},
    {"OBJ without a class", "(o."s, Code::malformed, "OBJ has no class", 1},
    {"OBJ without a mark", "ca\nb\no."s, Code::malformed, "OBJ needs a mark", 5},
    {"INST without a mark", "ia\nb\n."s, Code::malformed, "INST needs a mark", 0},
    {"BUILD on a class", "ctorch\nFloatStorage\n}b."s, Code::malformed,
     "would change the state of the global \"torch.FloatStorage\"", 21},
    {"BUILD on a dict", "}}b."s, Code::malformed, "would change the state of a dict", 2},
    {"BUILD on a persistent object", "Px\n}b."s, Code::malformed, "state of a persistent object", 4},
    {"BUILD twice", "ca\nb\n)R}b}b."s, Code::unsupported, "gives a call of \"a.b\" a second state", 10},
    {"APPEND to a tuple", ")Na."s, Code::malformed, "APPEND would add to a tuple", 2},
    {"APPEND to nothing", "Na."s, Code::malformed, "APPEND needs 2 values", 1},
    {"APPENDS without a mark", "]e."s, Code::malformed, "APPENDS needs a mark", 1},
    {"APPENDS onto nothing", "(Ne."s, Code::malformed, "nothing below the mark", 2},
    {"APPENDS onto a mark", "((Ne."s, Code::malformed, "nothing below the mark", 3},
    {"ADDITEMS to a list", "](N\x90."s, Code::malformed, "ADDITEMS would add to a list", 3},
    {"SETITEM on a list", "]NNs."s, Code::malformed, "SETITEM would set items of a list", 3},
    {"SETITEMS with a key alone", "}(Nu."s, Code::malformed, "SETITEMS has a key without a value", 3},
    {"SETITEMS onto a mark", "((NNu."s, Code::malformed, "nothing below the mark", 4},
    {"DICT with a key alone", "(Nd."s, Code::malformed, "DICT has a key without a value", 2},
    {"TUPLE without a mark", "t."s, Code::malformed, "TUPLE needs a mark", 0},
    {"TUPLE3 of two", "NN\x87."s, Code::malformed, "TUPLE3 needs 3 values", 2},
    {"POP of nothing", "0."s, Code::malformed, "POP needs 1 values", 0},
    {"POP_MARK without a mark", "N1."s, Code::malformed, "POP_MARK needs a mark", 1},
    {"DUP of nothing", "2."s, Code::malformed, "DUP needs 1 values", 0},
    {"a memo entry that was not made", "h\x05."s, Code::malformed, "BINGET asks for memo entry 5", 0},
    {"a memo entry far away", "j\xff\xff\xff\xff."s, Code::malformed, "LONG_BINGET asks for memo entry 4294967295", 0},
    {"a memo index that is text", "gx\n."s, Code::malformed, "GET holds no memo index", 0},
    {"a memo index below zero", "Np-1\n."s, Code::malformed, "PUT holds no memo index", 1},
    {"PUT of nothing", "q\x01."s, Code::malformed, "BINPUT needs 1 values", 0},
    {"MEMOIZE of nothing", "\x94."s, Code::malformed, "MEMOIZE needs 1 values", 0},
    {"BINPERSID of nothing", "Q."s, Code::malformed, "BINPERSID needs 1 values", 0},
    {"a long integer cut short", "\x8a\x05\x01."s, Code::malformed, "needs 5 more bytes", 2},
    {"a long integer of 4 GB", "\x8b\xff\xff\xff\xff."s, Code::malformed, "needs 4294967295 more bytes", 5},
};

}  // namespace

TEST_CASE("each malformation is refused with whose fault it is, what, and at which byte") {
  for (const Malformation& row : malformations) {
    CAPTURE(std::string(row.name));
    const auto parsed = parse({reinterpret_cast<const std::uint8_t*>(row.bytes.data()), row.bytes.size()});
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == row.code);
    CHECK_MESSAGE(parsed.error().message.find(row.message) != std::string::npos, parsed.error().message);
    CHECK(parsed.error().position == row.position);
  }
}

TEST_CASE("a pickle cut anywhere is refused at or before its end") {
  const std::string whole = "\x80\x04\x95\x2c\0\0\0\0\0\0\0}q\x01(X\x01\0\0\0a]q\x02(K\x01M\x02\x03J\x04\0\0\0G\0\0\0\0\0\0\0\0eX\x01\0\0\0bca\nb\n)Ru."s;
  const auto parse_front = [&](std::size_t size) {
    return parse({reinterpret_cast<const std::uint8_t*>(whole.data()), size});
  };
  REQUIRE_MESSAGE(parse_front(whole.size()).has_value(), parse_front(whole.size()).error().message);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto cut = parse_front(size);
    REQUIRE_FALSE(cut.has_value());
    CHECK(cut.error().position <= size);
  }
}
