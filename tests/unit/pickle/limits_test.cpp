// Bombs: pickles that are small and ask for much.
#include "plugins/common/pickle/parse.hpp"

#include <doctest/doctest.h>

using namespace heirloom;
using namespace heirloom::pickle;
using namespace std::string_literals;

namespace {

Result<Parsed> read(const std::string& text, const Limits& limits = {}) {
  return parse({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, 0, limits);
}

std::string repeated(const std::string& part, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i)
    all += part;
  return all;
}

void check_limit(const Result<Parsed>& parsed, const char* message) {
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().code == Code::limit);
  CHECK_MESSAGE(parsed.error().message.find(message) != std::string::npos, parsed.error().message);
}

}  // namespace

TEST_CASE("values in values are refused beyond the depth, however they are put together") {
  check_limit(read("N" + repeated("\x85", 100'000) + "."), "TUPLE1 nests values deeper than 512");
  check_limit(read(repeated("(", 100'000) + repeated("l", 100'000) + "."), "nests values deeper than 512");
  check_limit(read(repeated("]", 100'000) + repeated("a", 99'999) + "."), "APPEND nests values deeper than 512");
  check_limit(read("N" + repeated("Q", 100'000) + "."), "BINPERSID nests values deeper");
  check_limit(read("ca\nb\n" + repeated(")R", 100'000) + "."), "REDUCE nests values deeper");
  check_limit(read(repeated("ca\nb\n)R", 1000) + repeated("b", 999) + "."), "BUILD nests values deeper");
}

TEST_CASE("a tower of lists that each hold the one below twice has one node per list") {
  std::string text = "]q\0"s;
  for (int i = 1; i < 200; ++i) {
    const char below = static_cast<char>(i - 1), here = static_cast<char>(i);
    text += "]q"s + here + "h"s + below + "ah"s + below + "a";
  }
  std::string popped = "(" + text + "t.";
  const auto parsed = read(popped);
  REQUIRE_MESSAGE(parsed.has_value(), parsed.error().message);
  CHECK(parsed->tree.size() == 201);
}

TEST_CASE("objects of a byte each are refused long before they fill the memory") {
  check_limit(read("(" + std::string(4u << 20, ']') + "t."), "EMPTY_LIST makes one object more than");
  check_limit(read(std::string(4u << 20, '}')), "EMPTY_DICT makes one object more than");
}

TEST_CASE("as many objects as a pickler writes are read") {
  const auto parsed = read("](" + repeated("]\x94", 400'000) + "e.", {.free_objects = 400'000});
  REQUIRE_MESSAGE(parsed.has_value(), parsed.error().message);
  CHECK(parsed->tree.items(parsed->tree.root()).size() == 400'000);
}

TEST_CASE("each limit can be set, and says its number") {
  check_limit(read("NNNN.", {.opcodes = 3}), "one opcode more than 3");
  check_limit(read("Nq\x01q\x02q\x03.", {.memo_entries = 2}), "one memo entry more than 2");
  check_limit(read("(ca\nb\nca\nc\nca\nd\nt.", {.globals = 2}), "one global more than 2");
  check_limit(read("(]]]t.", {.objects = 2}), "one object more than 2");
  check_limit(read("(NNNNNt.", {.bytes = 4}), "more than 4 bytes");
}

TEST_CASE("marks and far memo entries of a few bytes each are refused long before they fill the memory") {
  check_limit(read(std::string(1u << 20, '(')), "MARK nests values deeper than 512");
  std::string text = "N";
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    const std::uint32_t index = 0x80000000u + i * 1000u;
    text += 'r';
    for (unsigned shift = 0; shift < 32; shift += 8)
      text += static_cast<char>(index >> shift);
  }
  check_limit(read(text + "."), "LONG_BINPUT makes one memo entry more than 65536 far from the others");
}

TEST_CASE("memo indexes far apart take no memory between them") {
  const auto parsed = read("N"s + "r\xff\xff\xff\xff" + "r\xff\xff\xff\x7f" + "0j\xff\xff\xff\x7f.");
  REQUIRE_MESSAGE(parsed.has_value(), parsed.error().message);
  CHECK(parsed->tree.kind(parsed->tree.root()) == Kind::none);
}

TEST_CASE("a list that grows by single appends, in turns with another, takes memory in proportion") {
  std::string text = "(]q\x01]q\x02"s;
  for (int i = 0; i < 100'000; ++i)
    text += "h\x01Na0h\x02Na0"s;
  text += "t.";
  const auto parsed = read(text);
  REQUIRE_MESSAGE(parsed.has_value(), parsed.error().message);
  CHECK(parsed->tree.items(parsed->tree.items(parsed->tree.root())[0]).size() == 100'000);
  CHECK(parsed->tree.references() < 1'000'000);
}
