#include "engine/base/header_file.hpp"

#include "engine/base/digest.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <functional>

using namespace heirloom;
using base::header_backup;
using base::replace_header;
using base::restore_header;
using test::bytes_of;
using test::entries_of;
using test::read_file;
using test::TempDirectory;
using test::write_file;

namespace {

std::string number(std::uint64_t value) {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8)
    bytes += static_cast<char>(value >> shift & 0xFF);
  return bytes;
}

std::string backup(std::uint64_t file_size, std::string_view old) {
  std::string bytes = "HLMHDR1\n" + number(file_size) + number(old.size()) + std::string(old);
  const base::Digest digest = base::sha256(bytes_of(bytes));
  return bytes.append(digest.begin(), digest.end());
}

}  // namespace

TEST_CASE("the first bytes of a file are replaced in place, and nothing is left beside it") {
  const TempDirectory folder;
  write_file(folder / "x", "header body");
  REQUIRE(replace_header(folder / "x", bytes_of("HEADER")));
  CHECK(read_file(folder / "x") == "HEADER body");
  CHECK(entries_of(folder.path()) == std::vector<std::string>{"x"});
}

TEST_CASE("what a process that died left is put back") {
  const TempDirectory folder;
  write_file(folder / "x", "HEAder body");
  write_file(header_backup(folder / "x"), backup(11, "header"));
  CHECK(restore_header(folder / "x") == true);
  CHECK(read_file(folder / "x") == "header body");
  CHECK(restore_header(folder / "x") == false);
  CHECK(entries_of(folder.path()) == std::vector<std::string>{"x"});
}

TEST_CASE("a backup that is not whole is dropped: the file was not touched yet") {
  const std::string good = backup(11, "header");
  const std::pair<const char*, std::function<std::string()>> cases[] = {
      {"empty", [] { return std::string(); }},
      {"cut short", [&] { return good.substr(0, good.size() - 1); }},
      {"longer", [&] { return good + "x"; }},
      {"another beginning", [&] { return "X" + good.substr(1); }},
      {"a byte of the old header changed", [&] { auto bytes = good; bytes[25] ^= 1; return bytes; }},
      {"a count beyond its end", [&] { auto bytes = good; bytes[22] = '\x7F'; return bytes; }},
  };
  for (const auto& row : cases) {
    CAPTURE(row.first);
    const TempDirectory folder;
    write_file(folder / "x", "HEADER body");
    write_file(header_backup(folder / "x"), row.second());
    CHECK(restore_header(folder / "x") == false);
    CHECK(read_file(folder / "x") == "HEADER body");
    CHECK(entries_of(folder.path()) == std::vector<std::string>{"x"});
  }
}

TEST_CASE("a backup of a file of another size is refused, and both stay") {
  const TempDirectory folder;
  write_file(folder / "x", "other");
  write_file(header_backup(folder / "x"), backup(11, "header"));
  const auto restored = restore_header(folder / "x");
  REQUIRE_FALSE(restored);
  CHECK(restored.error().code == Code::misuse);
  CHECK(restored.error().message.find("of 11 bytes") != std::string::npos);
  CHECK(read_file(folder / "x") == "other");
}

TEST_CASE("a backup that stands already, a link and a file that is too short are refused") {
  const TempDirectory folder;
  write_file(folder / "x", "header body");
  CHECK_FALSE(replace_header(folder / "x", bytes_of("longer than the file")));
  std::filesystem::create_symlink("x", folder / "link");
  CHECK_FALSE(replace_header(folder / "link", bytes_of("H")));
  CHECK(base::shared_name_of(folder / "link")->find("link") != std::string::npos);
  CHECK_FALSE(base::shared_name_of(folder / "x"));
  std::filesystem::create_hard_link(folder / "x", folder / "y");
  CHECK(base::shared_name_of(folder / "x")->find("another name") != std::string::npos);
  write_file(header_backup(folder / "x"), "");
  CHECK_FALSE(replace_header(folder / "x", bytes_of("H")));
  CHECK(read_file(folder / "x") == "header body");
}
