#include "plugins/common/zip/archive.hpp"

#include "build_zip.hpp"

#include <doctest/doctest.h>

#include <functional>

using heirloom::Code;
using heirloom::test::build_zip;
using heirloom::test::BuiltZip;
using heirloom::test::Bytes;
using heirloom::test::bytes_of;
using heirloom::test::MemoryHost;
using heirloom::test::small_zip;
using heirloom::test::ZipSpec;
using heirloom::zip::Archive;

namespace {

struct Row {
  const char* what;
  std::function<void(BuiltZip&)> spoil;
  Code code;
  const char* message;
  const char* mark;           // the place that the error names
  std::uint64_t shift = 0;    // bytes after it
};

void name_twice(BuiltZip& b) {
  for (const char* where : {"local:third", "entry:third"})
    std::copy_n("first", 5, b.bytes.begin() + static_cast<std::ptrdiff_t>(b.at[where] + (where[0] == 'l' ? 30 : 46)));
}

void rename_first(BuiltZip& b, const char* name) {
  std::copy_n(name, 5, b.bytes.begin() + static_cast<std::ptrdiff_t>(b.at["local:first"] + 30));
  std::copy_n(name, 5, b.bytes.begin() + static_cast<std::ptrdiff_t>(b.at["entry:first"] + 46));
}

void begin_with(BuiltZip& b, std::size_t offset, std::string_view bytes) {
  std::copy(bytes.begin(), bytes.end(), b.bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

// Each spoils the small archive in one way.
const Row rows[] = {
    {"nothing", [](BuiltZip& b) { b.bytes.clear(); }, Code::malformed, "no zip archive", "start"},
    {"noise", [](BuiltZip& b) { b.bytes[0] = 'X'; }, Code::malformed, "no zip archive", "start"},
    {"7z", [](BuiltZip& b) { begin_with(b, 0, "7z\xbc\xaf\x27\x1c"); }, Code::unsupported, "a 7z archive", "start"},
    {"RAR", [](BuiltZip& b) { begin_with(b, 0, "Rar!\x1a\x07"); }, Code::unsupported, "a RAR archive", "start"},
    {"tar", [](BuiltZip& b) { b.bytes[0] = 'n', begin_with(b, 257, "ustar"); }, Code::unsupported, "a tar archive", "start"},
    {"gzip", [](BuiltZip& b) { begin_with(b, 0, "\x1f\x8b"); }, Code::unsupported, "gzip", "start"},
    {"cut off", [](BuiltZip& b) { b.bytes.resize(b.at["end"]); }, Code::malformed, "no end record", "end"},
    {"trailing byte", [](BuiltZip& b) { b.bytes.push_back(0); }, Code::malformed, "comment", "end", 20},
    {"two disks", [](BuiltZip& b) { b.put16(b.at["end"] + 4, 1); }, Code::unsupported, "several disks", "end", 4},
    {"counts differ", [](BuiltZip& b) { b.put16(b.at["end"] + 8, 2); }, Code::unsupported, "several disks", "end", 4},
    {"fewer members", [](BuiltZip& b) { b.put16(b.at["end"] + 8, 2), b.put16(b.at["end"] + 10, 2); }, Code::malformed,
     "goes on after its last entry", "entry:third"},
    {"more members", [](BuiltZip& b) { b.put16(b.at["end"] + 8, 4), b.put16(b.at["end"] + 10, 4); }, Code::malformed,
     "cannot hold 4 members", "end"},
    {"directory too long", [](BuiltZip& b) { b.put32(b.at["end"] + 12, 1u << 30); }, Code::malformed, "not just before",
     "end"},
    {"directory elsewhere", [](BuiltZip& b) { b.put32(b.at["end"] + 16, 7); }, Code::malformed, "not just before", "end"},
    {"bytes before the archive", [](BuiltZip& b) { b.bytes.insert(b.bytes.begin(), b.bytes.begin(), b.bytes.begin() + 30); },
     Code::malformed, "not just before", "end", 30},
    {"entry signature", [](BuiltZip& b) { b.bytes[b.at["entry:third"]] = 0; }, Code::malformed, "no entry", "entry:third"},
    {"long name", [](BuiltZip& b) { b.put16(b.at["entry:third"] + 28, 6); }, Code::malformed, "beyond its end",
     "entry:third"},
    {"long extra", [](BuiltZip& b) { b.put16(b.at["entry:third"] + 30, 100); }, Code::malformed, "beyond its end",
     "entry:third"},
    {"long comment", [](BuiltZip& b) { b.put16(b.at["entry:third"] + 32, 1); }, Code::malformed, "beyond its end",
     "entry:third"},
    {"encrypted", [](BuiltZip& b) { b.bytes[b.at["entry:first"] + 8] |= 1; }, Code::unsupported, "\"first\" is encrypted",
     "entry:first"},
    {"strongly encrypted", [](BuiltZip& b) { b.bytes[b.at["entry:first"] + 8] |= 64; }, Code::unsupported, "encrypted",
     "entry:first"},
    {"AES", [](BuiltZip& b) { b.put16(b.at["entry:first"] + 10, 99); }, Code::unsupported, "encrypted", "entry:first"},
    {"encrypted here, not there", [](BuiltZip& b) { b.bytes[b.at["local:first"] + 6] |= 1; }, Code::malformed,
     "another encryption", "local:first", 6},
    {"patch", [](BuiltZip& b) { b.bytes[b.at["entry:first"] + 8] |= 32; }, Code::unsupported, "patch", "entry:first"},
    {"zstd", [](BuiltZip& b) { b.put16(b.at["entry:first"] + 10, 93); }, Code::unsupported, "method 93 (zstd)",
     "entry:first"},
    {"method 77", [](BuiltZip& b) { b.put16(b.at["entry:first"] + 10, 77); }, Code::unsupported, "method 77;",
     "entry:first"},
    {"stored, two sizes", [](BuiltZip& b) { b.put32(b.at["entry:first"] + 24, 42); }, Code::malformed,
     "41 bytes for 42", "entry:first"},
    {"bomb", [](BuiltZip& b) { b.put32(b.at["entry:folder/second"] + 24, 1u << 30); }, Code::malformed, "which cannot be",
     "entry:folder/second"},
    {"size 0xffffffff alone", [](BuiltZip& b) { b.put32(b.at["entry:first"] + 24, 0xffffffff); }, Code::malformed,
     "without a zip64 field", "entry:first", 51},
    {"offset behind the members", [](BuiltZip& b) { b.put32(b.at["entry:first"] + 42, b.at["directory"]); },
     Code::malformed, "behind the members", "entry:first", 42},
    {"offset elsewhere", [](BuiltZip& b) { b.put32(b.at["entry:first"] + 42, 1); }, Code::malformed, "no local header",
     "start", 1},
    {"member on disk 1", [](BuiltZip& b) { b.put16(b.at["entry:first"] + 34, 1); }, Code::unsupported, "several disks",
     "entry:first", 34},
    {"runs into the directory", [](BuiltZip& b) {
       b.put32(b.at["entry:third"] + 20, 1000), b.put32(b.at["entry:third"] + 24, 1000);
     }, Code::malformed, "runs into the directory", "entry:third"},
    {"overlap", [](BuiltZip& b) {
       for (const std::uint64_t at : {b.at["entry:first"] + 20, b.at["entry:first"] + 24, b.at["local:first"] + 18,
                                      b.at["local:first"] + 22})
         b.put32(at, 42);
     }, Code::malformed, "\"first\" and \"folder/second\" overlap", "local:folder/second"},
    {"two entries for one member", [](BuiltZip& b) {
       rename_first(b, "third");
       b.put32(b.at["entry:third"] + 42, 0), b.put32(b.at["entry:third"] + 20, 41), b.put32(b.at["entry:third"] + 24, 41);
       b.put32(b.at["entry:third"] + 16, 0), b.put32(b.at["local:first"] + 14, 0), b.put32(b.at["entry:first"] + 16, 0);
     }, Code::malformed, "overlap", "start"},
    {"same name twice", name_twice, Code::malformed, "two members are called \"first\"", "local:third"},
    {"local name", [](BuiltZip& b) { b.bytes[b.at["local:first"] + 30] = 'F'; }, Code::malformed, "another name",
     "local:first", 30},
    {"local name's length", [](BuiltZip& b) { b.put16(b.at["local:first"] + 26, 4); }, Code::malformed, "another name",
     "local:first", 30},
    {"local method", [](BuiltZip& b) { b.put16(b.at["local:first"] + 8, 8); }, Code::malformed, "another method",
     "local:first", 8},
    {"local CRC", [](BuiltZip& b) { b.bytes[b.at["local:first"] + 14] ^= 1; }, Code::malformed, "another CRC-32",
     "local:first", 14},
    {"local size", [](BuiltZip& b) { b.put32(b.at["local:first"] + 22, 40); }, Code::malformed, "another size",
     "local:first", 18},
    {"described, other size", [](BuiltZip& b) { b.put32(b.at["local:third"] + 22, 2); }, Code::malformed, "another size",
     "local:third", 18},
    {"local header at the end", [](BuiltZip& b) { b.put16(b.at["local:third"] + 28, 60000); }, Code::malformed,
     "runs into the directory", "local:third"},
    {"absolute name", [](BuiltZip& b) { rename_first(b, "/irst"); }, Code::malformed, "no name", "entry:first"},
    {"name with dots", [](BuiltZip& b) { rename_first(b, "../st"); }, Code::malformed, "no name", "entry:first"},
    {"name ends in dots", [](BuiltZip& b) { rename_first(b, "fi/.."); }, Code::malformed, "no name", "entry:first"},
    {"empty part", [](BuiltZip& b) { rename_first(b, "f//st"); }, Code::malformed, "no name", "entry:first"},
    {"backslash", [](BuiltZip& b) { rename_first(b, "a\\.st"); }, Code::malformed, "no name", "entry:first"},
    {"drive", [](BuiltZip& b) { rename_first(b, "C:rst"); }, Code::malformed, "no name", "entry:first"},
    {"NUL in name", [](BuiltZip& b) { rename_first(b, "f\0rst"); }, Code::malformed, "no name", "entry:first"},
    {"name not UTF-8", [](BuiltZip& b) { rename_first(b, "f\xffrst"); }, Code::malformed, "not UTF-8", "entry:first"},
    {"name of long UTF-8", [](BuiltZip& b) { rename_first(b, "\xc0\xafrst"); }, Code::malformed, "not UTF-8",
     "entry:first"},
    {"folder with content", [](BuiltZip& b) { rename_first(b, "firs/"); }, Code::malformed, "has content", "start"},
};

// The same for one with zip64 records.
const Row wide_rows[] = {
    {"locator elsewhere", [](BuiltZip& b) { b.put64(b.at["locator"] + 8, 1ull << 62); }, Code::malformed, "outside",
     "locator", 8},
    {"locator to noise", [](BuiltZip& b) { b.put64(b.at["locator"] + 8, 5); }, Code::malformed, "no zip64 end record",
     "start", 5},
    {"two disks", [](BuiltZip& b) { b.put32(b.at["locator"] + 16, 2); }, Code::unsupported, "several disks", "locator"},
    {"length", [](BuiltZip& b) { b.put64(b.at["end64"] + 4, 45); }, Code::malformed, "no zip64 end record", "end64"},
    {"other count", [](BuiltZip& b) { b.put64(b.at["end64"] + 24, 2), b.put64(b.at["end64"] + 32, 2); }, Code::malformed,
     "says otherwise", "end"},
    {"too many members", [](BuiltZip& b) {
       for (const std::uint64_t shift : {24u, 32u})
         b.put64(b.at["end64"] + shift, 1ull << 40);
       b.put16(b.at["end"] + 8, 0xffff), b.put16(b.at["end"] + 10, 0xffff);
     }, Code::limit, "1099511627776 members", "end64"},
    {"huge directory", [](BuiltZip& b) {
       b.put64(b.at["end64"] + 40, 1ull << 62), b.put32(b.at["end"] + 12, 0xffffffff);
     }, Code::malformed, "not just before", "end64"},
    {"short zip64 field", [](BuiltZip& b) { b.put16(b.at["entry:first"] + 46 + 5 + 2, 8); }, Code::malformed,
     "without a zip64 field", "entry:first", 51},
    {"other zip64 size", [](BuiltZip& b) { b.put64(b.at["local:first"] + 39, 40); }, Code::malformed, "another size",
     "local:first", 18},
    {"extra field too long", [](BuiltZip& b) { b.put16(b.at["entry:first"] + 46 + 5 + 2, 25); }, Code::malformed,
     "extra field", "entry:first", 51},
};

void check(const Row& row, const ZipSpec& spec) {
  CAPTURE(row.what);
  BuiltZip built = build_zip(spec);
  built.at["start"] = 0;
  row.spoil(built);
  const MemoryHost host({{"a.zip", built.bytes}});
  const auto archive = Archive::open(host.files(), "a.zip");
  REQUIRE_FALSE(archive);
  CAPTURE(archive.error().message);
  CHECK(archive.error().code == row.code);
  CHECK(archive.error().message.find(row.message) != std::string::npos);
  CHECK(archive.error().file == "a.zip");
  CHECK(archive.error().position == built.at.at(row.mark) + row.shift);
}

}  // namespace

TEST_CASE("each way to spoil an archive is refused with its reason and byte") {
  for (const Row& row : rows)
    check(row, small_zip());
}

TEST_CASE("each way to spoil the zip64 records is refused with its reason and byte") {
  ZipSpec spec = small_zip();
  spec.has_zip64_end = true;
  spec.members[0].is_zip64 = true;
  for (const Row& row : wide_rows)
    check(row, spec);
}

TEST_CASE("a wrong CRC is found when the content is read") {
  BuiltZip built = build_zip(small_zip());
  built.bytes[built.at.at("payload:first") + 3] ^= 1;
  for (const char* where : {"local:folder/second", "entry:folder/second"})
    built.bytes[built.at.at(where) + (where[0] == 'l' ? 14 : 16)] ^= 1;
  const MemoryHost host({{"a.zip", built.bytes}});
  const auto archive = Archive::open(host.files(), "a.zip").value();
  for (const char* name : {"first", "folder/second"}) {
    const auto read = archive.read(name, 5000);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Code::malformed);
    CHECK(read.error().message.find(std::string("\"") + name + "\" has CRC-32 0x") != std::string::npos);
    CHECK(read.error().position == archive.find(name)->offset);
  }
}

TEST_CASE("deflated data that is damaged, short, long or followed by more is refused with its byte") {
  struct Damage {
    const char* what;
    std::function<void(ZipSpec&, BuiltZip&)> spoil;
    const char* message;
  };
  const auto sizes = [](BuiltZip& b, std::uint64_t stored, std::uint64_t size) {
    for (const std::uint64_t at : {b.at["local:a"] + 18, b.at["entry:a"] + 20})
      b.put32(at, stored), b.put32(at + 4, size);
  };
  const std::uint64_t stored = heirloom::test::deflated(Bytes(5000, 'x')).size();
  const Damage damages[] = {
      {"noise", [](ZipSpec&, BuiltZip& b) { b.bytes[b.at["payload:a"]] = 0xff; }, "damaged"},
      {"cut off", [&](ZipSpec&, BuiltZip& b) { sizes(b, stored - 2, 5000); }, "cut off"},
      {"short", [&](ZipSpec&, BuiltZip& b) { sizes(b, stored, 5001); }, "ends after 5000 bytes of 5001"},
      {"long", [&](ZipSpec&, BuiltZip& b) { sizes(b, stored, 4999); }, "goes on after the 4999 bytes"},
      {"followed", [&](ZipSpec&, BuiltZip& b) { sizes(b, stored + 1, 5000); }, "bytes follow"},
  };
  for (const Damage& damage : damages) {
    CAPTURE(damage.what);
    ZipSpec spec{{{"a", Bytes(5000, 'x'), true}, {"b", Bytes(4, 'b')}}};
    BuiltZip built = build_zip(spec);
    built.bytes.insert(built.bytes.begin() + static_cast<std::ptrdiff_t>(built.at["local:b"]), 4, 0);  // room
    for (auto& [name, at] : built.at)
      at += at >= built.at["payload:a"] + stored ? 4u : 0u;
    built.put32(built.at["entry:b"] + 42, built.at["local:b"]);
    built.put32(built.at["end"] + 16, built.at["directory"]);
    damage.spoil(spec, built);
    const MemoryHost host({{"a.zip", built.bytes}});
    const auto archive = Archive::open(host.files(), "a.zip");
    REQUIRE_MESSAGE(archive.has_value(), archive.error().message);
    const auto read = archive->read("a", 10000);
    REQUIRE_FALSE(read);
    CAPTURE(read.error().message);
    CHECK(read.error().code == Code::malformed);
    CHECK(read.error().message.find(damage.message) != std::string::npos);
    CHECK(read.error().position >= built.at["payload:a"]);
    CHECK(read.error().position <= built.at["local:b"]);
  }
}
