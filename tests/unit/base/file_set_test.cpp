#include "engine/base/file_set.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <thread>

namespace base = heirloom::base;
namespace fs = std::filesystem;
using heirloom::Code;
using heirloom::test::TempDirectory;
using heirloom::test::write_file;

TEST_CASE("names that could leave the directory are refused") {
  for (const std::string_view name :
       {std::string_view(""), std::string_view("/etc/passwd"), std::string_view("../x"), std::string_view("a/../b"),
        std::string_view("a//b"), std::string_view("./a"), std::string_view("a/"), std::string_view("a/."),
        std::string_view(".."), std::string_view("a\\b"), std::string_view("a\0b", 3)}) {
    const auto checked = base::check_relative_name(name);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == Code::misuse);
  }
  for (const std::string_view name : {"a", "a/b/c.bin", "..a", "a..", ".hidden", "a b"})
    CHECK(base::check_relative_name(name));
}

TEST_CASE("a directory is listed in byte order, regular files only, links followed") {
  const TempDirectory temp;
  const TempDirectory elsewhere;
  for (const char* name : {"b.bin", "B.bin", "a.json"}) write_file(temp / name, name);
  fs::create_directory(temp / "nested");
  ::mkfifo((temp / "pipe").c_str(), 0600);
  write_file(elsewhere / "blob", "blob");
  fs::create_symlink(elsewhere / "blob", temp / "linked.bin");
  fs::create_symlink(elsewhere / "nothing", temp / "dangling");
  fs::create_symlink(temp / "nested", temp / "linked-directory");

  const auto set = base::FileSet::open(temp.path()).value();
  CHECK(set->primary().empty());
  CHECK(set->names() == std::vector<std::string>{"B.bin", "a.json", "b.bin", "linked.bin"});
  CHECK(set->size("linked.bin").value() == 4);
}

TEST_CASE("a file brings its directory along") {
  const TempDirectory temp;
  write_file(temp / "model.gguf", "0123456789");
  write_file(temp / "config.json", "{}");
  const auto set = base::FileSet::open(temp / "model.gguf").value();
  CHECK(set->primary() == "model.gguf");
  CHECK(set->root() == temp.path());
  CHECK(set->names().size() == 2);
  CHECK(set->display("model.gguf") == (temp / "model.gguf").string());
}

TEST_CASE("reads are positional and stop at the end of the file") {
  const TempDirectory temp;
  fs::create_directory(temp / "sub");
  write_file(temp / "sub/f", "0123456789");
  const auto set = base::FileSet::open(temp.path()).value();
  std::vector<std::uint8_t> out(4);
  REQUIRE(set->read("sub/f", 6, out));
  CHECK(out == std::vector<std::uint8_t>{'6', '7', '8', '9'});
  CHECK(set->read("sub/f", 10, {}));
  for (const std::uint64_t offset : {std::uint64_t{7}, std::uint64_t{11}, UINT64_MAX - 1}) {
    const auto done = set->read("sub/f", offset, out);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Code::io);
    CHECK(done.error().position == offset);
    CHECK(done.error().message.find("ends after 10 bytes") != std::string::npos);
    CHECK(done.error().file == (temp / "sub/f").string());
  }
  CHECK(set->read_all("sub/f", 10).value().size() == 10);
  CHECK(set->read_all("sub/f", 9).error().code == Code::limit);
}

TEST_CASE("a file that shrinks after it was opened is an error, not zeros") {
  const TempDirectory temp;
  write_file(temp / "f", std::string(100, 'x'));
  const auto set = base::FileSet::open(temp / "f").value();
  fs::resize_file(temp / "f", 50);
  std::vector<std::uint8_t> out(100);
  const auto done = set->read("f", 0, out);
  REQUIRE_FALSE(done);
  CHECK(done.error().message.find("shorter") != std::string::npos);
}

TEST_CASE("pipes, devices, directories and missing files are refused at once") {
  const TempDirectory temp;
  ::mkfifo((temp / "pipe").c_str(), 0600);
  fs::create_directory(temp / "nested");
  fs::create_symlink("/dev/zero", temp / "zero");
  const auto set = base::FileSet::open(temp.path()).value();
  for (const char* name : {"pipe", "nested", "zero"}) {
    CHECK_FALSE(set->has(name));
    CHECK(set->size(name).error().message == "not a regular file");
  }
  CHECK(set->size("missing").error().code == Code::io);
  CHECK(set->size("missing").error().message == "cannot open: no such file or directory");
  CHECK(set->size("../x").error().code == Code::misuse);
  CHECK(base::FileSet::open(temp / "pipe").error().code == Code::misuse);
  const auto missing = base::FileSet::open(temp / "none");
  CHECK(missing.error().code == Code::io);
  CHECK(missing.error().file == (temp / "none").string());
}

TEST_CASE("many threads read one set") {
  const TempDirectory temp;
  for (int i = 0; i < 20; ++i) write_file(temp / std::to_string(i), std::string(1000, static_cast<char>('a' + i)));
  const auto set = base::FileSet::open(temp.path()).value();
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        std::vector<std::uint8_t> out(10);
        const std::string name = std::to_string(i % 20);
        if (!set->read(name, static_cast<std::uint64_t>(i), out) || out[9] != 'a' + i % 20)
          ++wrong[t];
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4));
}
