#include "plugins/common/pickle/parse.hpp"

#include "tests/support/memory_host.hpp"

#include <doctest/doctest.h>

using namespace heirloom;
using namespace heirloom::pickle;
using namespace std::string_literals;

namespace {

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Parsed read(const std::string& text) {
  auto parsed = parse(bytes_of(text));
  REQUIRE_MESSAGE(parsed.has_value(), parsed.error().message);
  return std::move(*parsed);
}

}  // namespace

TEST_CASE("a pickle ends at STOP, and the next one of the stream begins behind it") {
  const std::string stream = "I1\n.I2\n."s;
  const Parsed first = read(stream);
  CHECK(first.consumed == 4);
  CHECK(first.tree.integer(first.tree.root()) == 1);
  const Parsed second = read(stream.substr(first.consumed));
  CHECK(second.tree.integer(second.tree.root()) == 2);
}

TEST_CASE("a call is a node with what would be called and with what, and nothing is called") {
  const Parsed parsed = read("cposix\nsystem\n(Vid\ntR."s);
  const Tree& tree = parsed.tree;
  REQUIRE(tree.kind(tree.root()) == Kind::call);
  CHECK(tree.call(tree.root())->maker == Maker::reduce);
  CHECK(tree.callee(tree.root())->dotted() == "posix.system");
  CHECK(tree.is_call_of(tree.root(), "posix.system"));
  CHECK_FALSE(tree.is_call_of(tree.root(), "posix.syste"));
  const auto arguments = tree.items(tree.call(tree.root())->arguments);
  REQUIRE(arguments.size() == 1);
  CHECK(tree.text(arguments[0]) == "id");
}

TEST_CASE("INST and OBJ are calls too") {
  for (const std::string& text : {"(I1\nios\nsystem\n."s, "(cos\nsystem\nI1\no."s}) {
    const Parsed parsed = read(text);
    CHECK(parsed.tree.is_call_of(parsed.tree.root(), "os.system"));
    CHECK(parsed.tree.items(parsed.tree.call(parsed.tree.root())->arguments).size() == 1);
  }
}

TEST_CASE("every distinct global is told once, with its first byte and how often it is asked for") {
  const Parsed parsed = read("(ca\nb\nca\nb\n\x8c\x01""c\x8c\x01""d\x93t."s);
  REQUIRE(parsed.tree.globals().size() == 2);
  CHECK(parsed.tree.globals()[0].dotted() == "a.b");
  CHECK(parsed.tree.globals()[0].position == 1);
  CHECK(parsed.tree.globals()[0].uses == 2);
  CHECK(parsed.tree.globals()[1].dotted() == "c.d");
  CHECK(parsed.tree.globals()[1].position == 17);
}

TEST_CASE("positions are bytes of the file in which the pickle lies") {
  const auto parsed = parse(bytes_of("(ca\nb\nt."s), 1000);
  REQUIRE(parsed.has_value());
  CHECK(parsed->tree.globals()[0].position == 1001);
  const auto refused = parse(bytes_of("(\xff"s), 1000);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().position == 1001);
}

TEST_CASE("objects shared by the memo are one node") {
  const Parsed parsed = read("(](I1\nI2\neq\x01h\x01h\x01t."s);
  const auto items = parsed.tree.items(parsed.tree.root());
  REQUIRE(items.size() == 3);
  CHECK(items[0] == items[1]);
  CHECK(items[1] == items[2]);
}

TEST_CASE("a list may hold itself") {
  const Parsed parsed = read("]q\x01h\x01""a."s);
  REQUIRE(parsed.tree.items(parsed.tree.root()).size() == 1);
  CHECK(parsed.tree.items(parsed.tree.root())[0] == parsed.tree.root());
}

TEST_CASE("dicts and the items of an OrderedDict are found by key, the last one that was set first") {
  const Parsed parsed = read("(ccollections\nOrderedDict\n)RVa\nI1\nsVa\nI2\ns(Vb\nI3\ndt."s);
  const auto items = parsed.tree.items(parsed.tree.root());
  CHECK(parsed.tree.integer(parsed.tree.find(items[0], "a")) == 2);
  CHECK(parsed.tree.integer(parsed.tree.find(items[1], "b")) == 3);
  CHECK(parsed.tree.find(items[1], "c") == no_id);
}

TEST_CASE("an attribute is found in a state that is a dict, or a dict beside slots") {
  for (const std::string& state : {"(Va\nI5\nd"s, "(N(Va\nI5\ndt"s}) {
    const Parsed parsed = read("ca\nB\n)\x81" + state + "b.");
    CHECK(parsed.tree.class_of(parsed.tree.root()) == "B");
    CHECK(parsed.tree.integer(parsed.tree.attribute(parsed.tree.root(), "a")) == 5);
    CHECK(parsed.tree.attribute(parsed.tree.root(), "b") == no_id);
  }
}

TEST_CASE("a string of Python 2 is text when it is UTF-8, and bytes when not") {
  const Parsed text = read("U\x02\xc3\xa9."s);
  CHECK(text.tree.text(text.tree.root()) == "\xc3\xa9");
  const Parsed bytes = read("U\x01\xe9."s);
  CHECK(bytes.tree.kind(bytes.tree.root()) == Kind::bytes);
}

TEST_CASE("a file is read through a window, no further than the pickle goes") {
  test::Bytes bytes(100, 0xEE);
  const std::string text = "(" + std::string(300, 'N') + "B" + std::string("\x00\x20\x00\x00", 4) + std::string(8192, 'x') + "Vend\nt.";
  bytes.insert(bytes.end(), text.begin(), text.end());
  bytes.resize(bytes.size() + 1'000'000, 0xEE);
  const test::MemoryHost host({{"a.pt", bytes}});
  const auto parsed = parse_file(host.files(), "a.pt", 100, bytes.size());
  REQUIRE_MESSAGE(parsed.has_value(), parsed.error().message);
  CHECK(parsed->consumed == text.size());
  const auto items = parsed->tree.items(parsed->tree.root());
  REQUIRE(items.size() == 302);
  CHECK(parsed->tree.bytes(items[300])->size() == 8192);
  CHECK(parsed->tree.text(items[301]) == "end");
  CHECK(parsed->tree.position(items[301]) == 100 + text.size() - 7);
}

TEST_CASE("a pickle in a file may not go past the end that is given") {
  const test::MemoryHost host({{"a.pt", test::Bytes(64, 'N')}});
  const auto parsed = parse_file(host.files(), "a.pt", 10, 20);
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().position == 20);
  CHECK(parsed.error().file == "a.pt");
}
