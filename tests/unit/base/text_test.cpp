#include "engine/base/text.hpp"

#include "engine/base/safe_json.hpp"

#include <doctest/doctest.h>

#include <array>

namespace base = heirloom::base;
using heirloom::Code;
using heirloom::Error;

TEST_CASE("a quoted name cannot play with a terminal") {
  struct Row {
    std::string_view text, want;
  };
  const std::array rows = {
      Row{"model.norm", "\"model.norm\""},
      Row{"Größe 重み 🙂", "\"Größe 重み 🙂\""},
      Row{"a\x1b[31m\n\t\x7f", "\"a\\x1b[31m\\x0a\\x09\\x7f\""},
      Row{std::string_view("nul\0", 4), "\"nul\\x00\""},
      Row{"\x9b\xff", "\"\\x9b\\xff\""},                               // no UTF-8
      Row{"\xc2\x9b", "\"\\xc2\\x9b\""},                               // C1 control
      Row{"\xc0\xaf \xe0\x80\xaf", "\"\\xc0\\xaf \\xe0\\x80\\xaf\""},  // overlong
      Row{"\xed\xa0\x80", "\"\\xed\\xa0\\x80\""},                      // surrogate
      Row{"\xe2\x80\xae"
          "abc",
          "\"\\xe2\\x80\\xae"
          "abc\""},  // right-to-left override
      Row{"zero\u200bwidth", "\"zero\\xe2\\x80\\x8bwidth\""},
      Row{"cut \xe2\x82", "\"cut \\xe2\\x82\""},
      Row{"say \"hi\" \\x1b", "\"say \\\"hi\\\" \\\\x1b\""},
  };
  for (const Row& row : rows) CHECK(base::quoted(row.text) == row.want);
}

TEST_CASE("json is the same with what would play with a terminal escaped") {
  CHECK(base::safe_json("{\n \"Größe🙂\": \"a\u009b\u202e\u200b\x7f\\n\"}") == "{\n \"Größe🙂\": \"a\\u009b\\u202e\\u200b\\u007f\\n\"}");
}

TEST_CASE("bytes are told in the largest fitting unit, with one decimal where it says something") {
  struct Row {
    std::uint64_t bytes;
    std::string_view want;
  };
  const std::array rows = {Row{0, "0 B"},
                           Row{812, "812 B"},
                           Row{1023, "1023 B"},
                           Row{1024, "1 KiB"},
                           Row{1536 * 1024, "1.5 MiB"},
                           Row{(1u << 20) - 1, "1 MiB"},
                           Row{std::uint64_t{4} << 30, "4 GiB"},
                           Row{UINT64_MAX, "16 EiB"}};
  for (const Row& row : rows) CHECK(base::human_bytes(row.bytes) == row.want);
}

TEST_CASE("sizes are read with binary and decimal units") {
  struct Row {
    std::string_view text;
    std::uint64_t want;
  };
  const std::array rows = {Row{"1048576", 1048576},
                           Row{"256MiB", 256u << 20},
                           Row{"5GB", 5'000'000'000},
                           Row{"1G", 1u << 30},
                           Row{"4 GiB", std::uint64_t{4} << 30},
                           Row{"7b", 7},
                           Row{"2k", 2048},
                           Row{"3kB", 3000},
                           Row{"15EiB", std::uint64_t{15} << 60}};
  for (const Row& row : rows) CHECK(base::parse_size(row.text).value_or(0) == row.want);
}

TEST_CASE("what is not a size is refused as misuse, with the reason") {
  struct Row {
    std::string_view text, reason;
  };
  const std::array rows = {Row{"", "must be a number"},
                           Row{"-1", "must be a number"},
                           Row{"many", "must be a number"},
                           Row{"0", "more than nothing"},
                           Row{"0GB", "more than nothing"},
                           Row{"5XB", "unit"},
                           Row{"5MBs", "unit"},
                           Row{"5  GB", "unit"},
                           Row{"1.5GiB", "unit"},
                           Row{"16EiB", "64 bits"},
                           Row{"18446744073709551616", "64 bits"}};
  for (const Row& row : rows) {
    const auto size = base::parse_size(row.text);
    REQUIRE_FALSE(size);
    CHECK(size.error().code == Code::misuse);
    CHECK(size.error().message.find(row.reason) != std::string::npos);
    CHECK(size.error().message.find(base::quoted(row.text)) != std::string::npos);
  }
}

TEST_CASE("an error is one line that says whose fault, where and what") {
  CHECK(base::describe({Code::malformed, "size is odd", 12, "a.gguf", "x"}) ==
        "malformed: a.gguf: tensor \"x\": byte 12: size is odd");
  CHECK(base::describe({Code::io, "disk\ngone"}) == "io: disk\\x0agone");
  CHECK(base::describe({Code::misuse, "no", heirloom::no_position, "evil\x1b"}) == "misuse: evil\\x1b: no");
}
