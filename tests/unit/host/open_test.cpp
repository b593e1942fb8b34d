#include "engine/base/text.hpp"
#include "tests/unit/host/support.hpp"

#include <doctest/doctest.h>

#include <array>

namespace fs = std::filesystem;
using heirloom::Attr;
using heirloom::Code;
using heirloom::Error;
using heirloom::Result;
using heirloom::base::describe;
using heirloom::host::OpenOptions;
using heirloom::model::Source;
using heirloom::test::check_says;
using heirloom::test::host_with;
using heirloom::test::TempDirectory;
using heirloom::test::write_file;

namespace {

std::string bytes_of(const Source& source, std::uint32_t tensor) {
  std::string out(heirloom::model::tensor_bytes(source.checkpoint, source.checkpoint.tensors[tensor]), '?');
  REQUIRE(source.read(tensor, 0, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()}));
  return out;
}

// Opens a file of this name and content in a fresh directory, with all test plugins.
Result<Source> open_content(const TempDirectory& temp, const char* name, std::string_view content,
                            const OpenOptions& options = {}) {
  static const auto host = host_with({"toy", "rogue", "greedy"});
  write_file(temp / name, content);
  return host->open(temp / name, options, {});
}

}  // namespace

TEST_CASE("a checkpoint is found by its content and read") {
  const TempDirectory temp;
  write_file(temp / "anything.bin", "TOY1abcdef");
  const auto host = host_with({"rogue", "toy"});
  const auto source = host->open(temp / "anything.bin", {}, {});
  REQUIRE(source);
  CHECK(source->plugin == "org.example.toy");
  CHECK(source->checkpoint.format == "toy");
  CHECK_FALSE(source->decode);
  CHECK(bytes_of(*source, 0) == "abcdef");
}

TEST_CASE("a directory is opened by the reader that finds its files") {
  const TempDirectory temp;
  write_file(temp / "a.toy", "TOY1xyz");
  write_file(temp / "config.json", "{}");
  const auto source = host_with({"toy", "greedy"})->open(temp.path(), {}, {});
  REQUIRE(source);
  CHECK(source->files->primary().empty());
  CHECK(bytes_of(*source, 0) == "xyz");
}

TEST_CASE("decoded tensors come from the plugin, for as long as the source lives") {
  const TempDirectory temp;
  write_file(temp / "a.toy", "TOY1abcdef");
  OpenOptions options;
  options.options = {Attr::scalar("decoded", true)};
  auto opened = host_with({"toy"})->open(temp / "a.toy", options, {});  // the host is gone at the end of the line
  REQUIRE(opened);
  const Source source = std::move(*opened);
  CHECK(bytes_of(source, 0) == "ABCDEF");
  std::vector<std::uint8_t> out(2);
  REQUIRE(source.read(0, 3, out));
  CHECK(out == std::vector<std::uint8_t>{'D', 'E'});
  fs::resize_file(temp / "a.toy", 5);
  const auto done = source.read(0, 0, out);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == Code::io);
  CHECK(done.error().tensor == "data");
  CHECK(done.error().file == (temp / "a.toy").string());
  check_says(done.error().message, "(plugin org.example.toy)");
}

TEST_CASE("options are typed as the manifest says, and what is wrong with one is said") {
  const TempDirectory temp;
  const auto host = host_with({"toy"});
  write_file(temp / "a.toy", "TOY1abc");
  const auto open = [&](std::vector<std::string> texts, bool ignores_unknown = false) {
    return host->open(temp / "a.toy", {"", {}, std::move(texts), ignores_unknown}, {});
  };
  CHECK(bytes_of(*open({"decoded=true"}), 0) == "ABC");
  CHECK(bytes_of(*open({"decoded=false"}), 0) == "abc");
  CHECK(bytes_of(*open({"colour=red", "decoded=true"}, true), 0) == "ABC");
  check_says(open({"decoded=1"}).error().message, "option \"decoded\" of format \"toy\" wants true or false");
  check_says(open({"decoded"}).error().message, "an option is NAME=VALUE, not \"decoded\"");
  check_says(open({"=1"}, true).error().message, "an option is NAME=VALUE");
  check_says(open({"decoded=true", "decoded=true"}).error().message, "given twice");
  check_says(open({"colour=red"}).error().message, "format \"toy\" has no option \"colour\"; it has decoded");
  check_says(open({"target_name=x"}).error().message, "has no option \"target_name\"");
}

TEST_CASE("a reader's error keeps byte and tensor, and gets path and plugin") {
  const TempDirectory temp;
  const auto source = open_content(temp, "a.toy", "TOY1!", {"toy", {}});
  REQUIRE_FALSE(source);
  CHECK(describe(source.error()) == "malformed: " + (temp / "a.toy").string() +
                                        ": tensor \"data\": byte 4: byte '!' is not allowed (plugin org.example.toy)");
}

TEST_CASE("a plugin that breaks the contract is caught and named") {
  struct Row {
    const char* what;
    Code code;
    const char* message;
  };
  const std::array rows = {
      Row{"throw in open", Code::internal, "the plugin threw an exception: opened too hard"},
      Row{"throw a number", Code::internal, "the plugin threw an exception"},
      Row{"unknown status", Code::internal, "xxxx"},
      Row{"nothing said", Code::limit, "it gives no reason"},
      Row{"escape", Code::misuse, "\"..\" part"},
      Row{"no reader", Code::internal, "hands back no reader"},
      Row{"no description", Code::internal, "hands back no description"},
      Row{"garbage", Code::malformed, "not a valid checkpoint description buffer"},
      Row{"cut", Code::malformed, "not a valid checkpoint description buffer"},
      Row{"lie about the extent", Code::malformed, "4 bytes extend past the end of the file"},
      Row{"lie about the shape", Code::malformed, "its shape needs 5 bytes, its extents have 4"},
      Row{"lie about the file size", Code::malformed, "the description says 30 bytes, the file has 29"},
      Row{"lie about the file", Code::malformed, "\"..\" part"},
      Row{"lie about the format", Code::internal, "says format \"toy\", not \"rogue\""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const TempDirectory temp;
    const auto source = open_content(temp, "a.rogue", std::string("ROGUE ") + row.what);
    REQUIRE_FALSE(source);
    CHECK(source.error().code == row.code);
    check_says(source.error().message, row.message);
    check_says(source.error().message, "(plugin org.example.rogue)");
    check_says(source.error().file, temp.path().string());
  }
}

TEST_CASE("an error about another file names that file") {
  const TempDirectory temp;
  const auto source = open_content(temp, "a.rogue", "ROGUE malformed");
  REQUIRE_FALSE(source);
  CHECK(source.error().file == (temp / "beside.bin").string());
  CHECK(source.error().position == 6);
}

TEST_CASE("exceptions on closing and decoding stay inside") {
  const TempDirectory temp;
  CHECK(open_content(temp, "a.rogue", "ROGUE throw in close"));
  const auto source = open_content(temp, "b.rogue", "ROGUE throw in decode");
  REQUIRE(source);
  std::vector<std::uint8_t> out(4);
  const auto done = source->read(0, 0, out);
  REQUIRE_FALSE(done);
  check_says(done.error().message, "decoded too hard (plugin org.example.rogue)");
  CHECK(done.error().tensor == "t");
}

TEST_CASE("a plugin's talk goes to the log, with its id and without control bytes") {
  const TempDirectory temp;
  write_file(temp / "a.rogue", "ROGUE talk");
  std::string line;
  std::uint64_t reported = 0;
  heirloom::base::Log log;
  log.line = [&](heirloom::base::Level level, std::string_view text) {
    CHECK(level == heirloom::base::Level::warning);
    line = text;
  };
  log.progress = [&](std::uint64_t done, std::uint64_t total) { reported = done * 10 + total; };
  const auto host = host_with({"rogue"});
  REQUIRE(host->open(temp / "a.rogue", {}, log));
  CHECK(line == "org.example.rogue: red \\x1b[31m alert");
  CHECK(reported == 34);
  log.is_cancelled = [] { return true; };
  CHECK(host->open(temp / "a.rogue", {}, log).error().code == Code::cancelled);
}

TEST_CASE("content that two plugins claim is an error that names both, until the user says which") {
  const TempDirectory temp;
  const auto source = open_content(temp, "a.toy", "TOY1abc");
  REQUIRE_FALSE(source);
  CHECK(source.error().code == Code::misuse);
  check_says(source.error().message, "toy (plugin org.example.toy), greedy (plugin org.example.greedy)");
  check_says(source.error().message, "--from");
  CHECK(open_content(temp, "a.toy", "TOY1abc", {"toy", {}})->plugin == "org.example.toy");
  CHECK(open_content(temp, "a.toy", "TOY1abc", {"greedy", {}})->plugin == "org.example.greedy");
}

TEST_CASE("content goes before suffix, and suffix decides between the unsure") {
  const TempDirectory temp;
  CHECK(open_content(temp, "a.perhaps", "ROGUE well")->checkpoint.format == "rogue");
  CHECK(open_content(temp, "b.perhaps", "something")->checkpoint.format == "perhaps");
  CHECK(open_content(temp, "b.maybe", "something")->checkpoint.format == "maybe");
  for (const char* name : {"b.both", "b.unknown"}) {
    const auto source = open_content(temp, name, "something");
    REQUIRE_FALSE(source);
    check_says(source.error().message, "several formats claim it: perhaps");
  }
}

TEST_CASE("a file that nobody claims gets every format's reason, and the suffix's reader is asked") {
  const TempDirectory temp;
  const auto host = host_with({"toy", "rogue"});
  write_file(temp / "a.toy", "TOX");
  const auto source = host->open(temp / "a.toy", {}, {});
  REQUIRE_FALSE(source);
  CHECK(source.error().code == Code::unsupported);
  CHECK(source.error().file == (temp / "a.toy").string());
  check_says(source.error().message, "no plugin reads this file (toy: byte 3: the header is cut");
  check_says(source.error().message, "rogue: the content is something else");

  write_file(temp / "b.bin", "ROGUE fail in probe");
  const auto failed = host->open(temp / "b.bin", {}, {});
  check_says(failed.error().message, "toy: the format's magic bytes are not there");
  check_says(failed.error().message, "rogue: the probe slipped");
  write_file(temp / "c.bin", "ROGUE throw in probe");
  check_says(host->open(temp / "c.bin", {}, {}).error().message, "probed too hard");
}

TEST_CASE("what cannot be opened says so") {
  const TempDirectory temp;
  const auto host = host_with({"toy"});
  const auto message = [&](const fs::path& path, const OpenOptions& options = {}) {
    const auto source = host->open(path, options, {});
    return source ? std::string("opened") : describe(source.error());
  };
  CHECK(message(temp / "none") == "io: " + (temp / "none").string() + ": cannot open: no such file or directory");
  check_says(message(temp.path()), "the directory has no files");
  write_file(temp / "README.md", "hello");
  check_says(message(temp.path()),
             "the directory has no weights that a plugin reads (toy: none of its files are there)");
  write_file(temp / "empty.toy", "");
  check_says(message(temp / "empty.toy"), "the file is empty");
  CHECK(message(temp / "README.md", {"gguf", {}}) == "misuse: there is no format \"gguf\"; there are toy");
  check_says(message(temp / "README.md", {"toy", {Attr::text("colour", "red")}}),
             "format \"toy\" has no option \"colour\"; it has decoded");
  check_says(host_with({})->open(temp / "README.md", {}, {}).error().message, "no plugin");
}
