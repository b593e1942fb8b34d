#include "engine/base/output.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

namespace base = heirloom::base;
namespace fs = std::filesystem;
using base::Output;
using heirloom::Code;
using heirloom::test::bytes_of;
using heirloom::test::entries_of;
using heirloom::test::read_file;
using heirloom::test::TempDirectory;
using heirloom::test::write_file;
using Names = std::vector<std::string>;

namespace {

constexpr auto file_kind = Output::Kind::file;
constexpr auto directory_kind = Output::Kind::directory;

bool says(const heirloom::Error& error, std::string_view part) { return error.message.find(part) != std::string::npos; }

void put(Output& output, const std::string& name, std::string_view content) {
  const auto file = output.add(name, content.size());
  REQUIRE(file);
  REQUIRE((*file)->write(0, bytes_of(content)));
}

}  // namespace

TEST_CASE("a file appears under its name only when it is committed") {
  const TempDirectory temp;
  const auto output = Output::create(temp / "m.gguf", file_kind, false).value();
  put(*output, "m.gguf", "hello");
  CHECK(entries_of(temp.path()) == Names{"m.gguf.partial"});
  REQUIRE(output->commit());
  CHECK(entries_of(temp.path()) == Names{"m.gguf"});
  CHECK(read_file(temp / "m.gguf") == "hello");
}

TEST_CASE("an output that is not committed leaves nothing behind") {
  const TempDirectory temp;
  put(*Output::create(temp / "m.gguf", file_kind, false).value(), "m.gguf", "hello");
  put(*Output::create(temp / "model", directory_kind, false).value(), "a.safetensors", "hello");
  CHECK(entries_of(temp.path()).empty());
}

TEST_CASE("bytes that nobody writes are zero, and a file has its size from the start") {
  const TempDirectory temp;
  const auto output = Output::create(temp / "m", file_kind, false).value();
  const auto* file = output->add("m", 8).value();
  CHECK(fs::file_size(temp / "m.partial") == 8);
  REQUIRE(file->write(3, bytes_of("xy")));
  REQUIRE(output->add("empty", 0));
  REQUIRE(output->commit());
  CHECK(read_file(temp / "m") == std::string("\0\0\0xy\0\0\0", 8));
  CHECK(fs::file_size(temp / "empty") == 0);
}

TEST_CASE("what exists is refused without force and replaced with it") {
  const TempDirectory temp;
  write_file(temp / "m.gguf", "old");
  const auto refused = Output::create(temp / "m.gguf", file_kind, false);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::misuse);
  CHECK(says(refused.error(), "--force"));

  const auto output = Output::create(temp / "m.gguf", file_kind, true).value();
  put(*output, "m.gguf", "new content");
  CHECK(read_file(temp / "m.gguf") == "old");
  REQUIRE(output->commit());
  CHECK(read_file(temp / "m.gguf") == "new content");
}

TEST_CASE("a shard whose name is taken is refused without force") {
  const TempDirectory temp;
  write_file(temp / "m-00002-of-00002.gguf", "old");
  const auto output = Output::create(temp / "m.gguf", file_kind, false).value();
  CHECK(output->add("m-00001-of-00002.gguf", 1));
  CHECK(output->add("m-00002-of-00002.gguf", 1).error().code == Code::misuse);
}

TEST_CASE("a name that appears while the output is written is not replaced without force") {
  const TempDirectory temp;
  const auto output = Output::create(temp / "m.gguf", file_kind, false).value();
  put(*output, "m.gguf", "new");
  write_file(temp / "m.gguf", "somebody else's");
  const auto done = output->commit();
  REQUIRE_FALSE(done);
  CHECK(says(done.error(), "has appeared"));
  CHECK(read_file(temp / "m.gguf") == "somebody else's");
}

TEST_CASE("when one shard cannot be renamed, none stays") {
  const TempDirectory temp;
  {
    const auto output = Output::create(temp / "m.gguf", file_kind, false).value();
    put(*output, "m-1.gguf", "one");
    put(*output, "m-2.gguf", "two");
    write_file(temp / "m-1.gguf", "somebody else's");
    CHECK_FALSE(output->commit());
  }
  CHECK(entries_of(temp.path()) == Names{"m-1.gguf"});
}

TEST_CASE("a file that belongs to what is replaced is refused without force and goes with it") {
  const TempDirectory temp;
  write_file(temp / "m.gguf.log", "of the old one");
  {
    const auto output = Output::create(temp / "m.gguf", file_kind, false).value();
    CHECK_FALSE(output->displace("m.gguf.other").value());
    const auto refused = output->displace("m.gguf.log");
    REQUIRE_FALSE(refused);
    CHECK(says(refused.error(), "--force deletes it"));
  }
  write_file(temp / "m.gguf", "old");
  write_file(temp / "m.gguf.log.replaced.partial", "what a killed process left");
  const auto output = Output::create(temp / "m.gguf", file_kind, true).value();
  REQUIRE(output->displace("m.gguf.log").value());
  put(*output, "m.gguf", "new");
  CHECK(read_file(temp / "m.gguf.log") == "of the old one");
  REQUIRE(output->commit());
  CHECK(entries_of(temp.path()) == Names{"m.gguf"});
  CHECK(read_file(temp / "m.gguf") == "new");
}

TEST_CASE("a file that belongs to what is replaced stays when that stays") {
  const TempDirectory temp;
  write_file(temp / "m.gguf.log", "of the old one");
  {
    const auto output = Output::create(temp / "m.gguf", file_kind, true).value();
    REQUIRE(output->displace("m.gguf.log").value());
    put(*output, "m.gguf", "new");
  }
  CHECK(entries_of(temp.path()) == Names{"m.gguf.log"});
  {
    const auto output = Output::create(temp / "m.gguf", file_kind, true).value();
    REQUIRE(output->displace("m.gguf.log").value());
    put(*output, "m.gguf", "new");
    fs::create_directories(temp / "m.gguf/in the way");
    CHECK_FALSE(output->commit());
  }
  CHECK(entries_of(temp.path()) == Names{"m.gguf", "m.gguf.log"});
  CHECK(read_file(temp / "m.gguf.log") == "of the old one");
}

TEST_CASE("directories, devices and pipes are never replaced by a file") {
  const TempDirectory temp;
  fs::create_directory(temp / "d");
  ::mkfifo((temp / "pipe").c_str(), 0600);
  for (const char* name : {"d", "pipe"}) {
    const auto refused = Output::create(temp / name, file_kind, true);
    REQUIRE_FALSE(refused);
    CHECK(says(refused.error(), "no regular file"));
  }
  CHECK(Output::create("/dev/null", file_kind, true).error().code == Code::misuse);
}

TEST_CASE("a directory is replaced whole") {
  const TempDirectory temp;
  fs::create_directory(temp / "model");
  write_file(temp / "model/config.json", "{}");
  write_file(temp / "model/old.safetensors", "old");
  const auto output = Output::create(temp / "model", directory_kind, true).value();
  put(*output, "model.safetensors", "new");
  CHECK(entries_of(temp / "model") == Names{"config.json", "old.safetensors"});
  REQUIRE(output->commit());
  CHECK(entries_of(temp.path()) == Names{"model"});
  CHECK(entries_of(temp / "model") == Names{"model.safetensors"});
}

TEST_CASE("a directory that is not a model's is never replaced") {
  struct Row {
    const char* title;
    void (*fill)(const fs::path&);
    const char* reason;
  };
  const Row rows[] = {
      {"no weights", [](const fs::path& d) { write_file(d / "thesis.txt", "x"); }, "neither a config.json nor weights"},
      {"a subdirectory",
       [](const fs::path& d) {
         write_file(d / "config.json", "{}");
         fs::create_directory(d / "photos");
       },
       "\"photos\" in it is no regular file"},
      {"a link",
       [](const fs::path& d) {
         write_file(d / "config.json", "{}");
         fs::create_symlink("/etc/hostname", d / "linked");
       },
       "\"linked\" in it is no regular file"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.title);
    const TempDirectory temp;
    fs::create_directory(temp / "d");
    row.fill(temp / "d");
    const Names before = entries_of(temp / "d");
    const auto refused = Output::create(temp / "d", directory_kind, true);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::misuse);
    CHECK(says(refused.error(), row.reason));
    CHECK(entries_of(temp / "d") == before);
  }
  const TempDirectory temp;
  write_file(temp / "f", "x");
  CHECK(says(Output::create(temp / "f", directory_kind, true).error(), "not a directory"));
  fs::create_directory(temp / "empty");
  CHECK_FALSE(Output::create(temp / "empty", directory_kind, false));
  const auto output = Output::create(temp / "empty/", directory_kind, true).value();
  put(*output, "a.safetensors", "new");
  CHECK(output->commit());
  CHECK(read_file(temp / "empty/a.safetensors") == "new");
}

TEST_CASE("partial files of a killed process are replaced") {
  const TempDirectory temp;
  write_file(temp / "m.gguf.partial", "half of somethi");
  fs::create_directory(temp / "model.partial");
  write_file(temp / "model.partial/a.safetensors", "half");
  const auto file = Output::create(temp / "m.gguf", file_kind, false).value();
  put(*file, "m.gguf", "whole");
  const auto directory = Output::create(temp / "model", directory_kind, false).value();
  put(*directory, "b.safetensors", "whole");
  REQUIRE(file->commit());
  REQUIRE(directory->commit());
  CHECK(read_file(temp / "m.gguf") == "whole");
  CHECK(entries_of(temp / "model") == Names{"b.safetensors"});
}

TEST_CASE("an old directory that a killed process left aside is replaced, unless it is more than that") {
  const TempDirectory temp;
  for (const char* name : {"model", "model.replaced.partial"}) {
    fs::create_directory(temp / name);
    write_file(temp / name / "config.json", name);
  }
  const auto replace = [&] {
    const auto output = Output::create(temp / "model", directory_kind, true).value();
    put(*output, "config.json", "new");
    return output->commit();
  };
  CHECK(replace());
  CHECK(entries_of(temp.path()) == Names{"model"});

  fs::create_directories(temp / "model.replaced.partial/photos");
  CHECK_FALSE(replace());
  CHECK(entries_of(temp.path()) == Names{"model", "model.replaced.partial"});
  CHECK(read_file(temp / "model/config.json") == "new");
}

TEST_CASE("two runs do not write the same output") {
  const TempDirectory temp;
  const auto file = Output::create(temp / "m.gguf", file_kind, false).value();
  put(*file, "m.gguf", "first");
  const auto second = Output::create(temp / "m.gguf", file_kind, false).value();
  CHECK(says(second->add("m.gguf", 5).error(), "another process"));
  const auto directory = Output::create(temp / "model", directory_kind, false).value();
  CHECK(says(Output::create(temp / "model", directory_kind, false).error(), "another process"));
  REQUIRE(file->commit());
  CHECK(read_file(temp / "m.gguf") == "first");
}

TEST_CASE("names of files are checked") {
  const TempDirectory temp;
  const auto output = Output::create(temp / "m", file_kind, false).value();
  for (const char* name : {"", "a/b", "../a", "/a"}) CHECK(output->add(name, 1).error().code == Code::misuse);
  REQUIRE(output->add("a", 1));
  CHECK(says(output->add("a", 1).error(), "two output files"));
  CHECK(Output::create("", file_kind, true).error().code == Code::misuse);
  CHECK(Output::create("/", directory_kind, true).error().code == Code::misuse);
  CHECK(Output::create(temp / "..", directory_kind, true).error().code == Code::misuse);
  CHECK(says(Output::create(temp / "none/m", file_kind, true).error(), "no such directory"));
}

TEST_CASE("a file that does not fit the disk is refused before anything is written") {
  const TempDirectory temp;
  const auto output = Output::create(temp / "m", file_kind, false).value();
  const auto refused = output->add("m", std::uint64_t{1} << 60);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::io);
  CHECK(says(refused.error(), "needs 1 EiB, has "));
  CHECK(output->add("m", UINT64_MAX).error().code == Code::limit);
  CHECK(entries_of(temp.path()).empty());
}

TEST_CASE("a write that the system refuses names the file and the cause") {
  const TempDirectory temp;
  const auto output = Output::create(temp / "m", file_kind, false).value();
  const auto* file = output->add("m", 1000).value();
  const rlimit small{100, RLIM_INFINITY};
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  const auto done = file->write(0, bytes_of(std::string(1000, 'x')));
  const auto grown = output->add("n", 1000);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == Code::io);
  CHECK(done.error().file == (temp / "m").string());
  CHECK(done.error().message == "cannot write: file too large");
  REQUIRE_FALSE(grown);
  CHECK(grown.error().file == (temp / "n").string());
}

TEST_CASE("a write outside the file is refused") {
  const TempDirectory temp;
  const auto output = Output::create(temp / "m", file_kind, false).value();
  const auto* file = output->add("m", 10).value();
  CHECK(file->write(6, bytes_of("12345")).error().code == Code::internal);
  CHECK(file->write(UINT64_MAX, bytes_of("12345")).error().code == Code::internal);
  CHECK(file->copy_from(0, 0, 6, 5).error().code == Code::internal);
}

TEST_CASE("bytes of another file are copied by range") {
  // /dev/shm is another file system, from which the system may not copy by itself.
  for (const fs::path& parent : {fs::temp_directory_path(), fs::path("/dev/shm")}) {
    const TempDirectory source(fs::is_directory(parent) ? parent : fs::temp_directory_path());
    const TempDirectory temp;
    std::string content(3'000'000, '\0');
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 2654435761u >> 13);
    write_file(source / "in", content);
    const int descriptor = ::open((source / "in").c_str(), O_RDONLY);
    const auto output = Output::create(temp / "m", file_kind, false).value();
    const auto* file = output->add("m", content.size()).value();
    CHECK(file->copy_from(descriptor, 100, 7, 2'500'000));
    file->write_behind(7, 2'500'000);
    const auto beyond = file->copy_from(descriptor, content.size() - 10, 0, 11);
    ::close(descriptor);
    REQUIRE_FALSE(beyond);
    CHECK(says(beyond.error(), "the source ends after 3000000 bytes"));
    REQUIRE(output->commit());
    CHECK(read_file(temp / "m").substr(10, 2'499'997) == content.substr(103, 2'499'997));
  }
}

TEST_CASE("where the system refuses to copy, a buffer does it") {
  // Overlapping ranges of one file are what copy_file_range refuses everywhere.
  const TempDirectory temp;
  const auto output = Output::create(temp / "m", file_kind, false).value();
  const auto* file = output->add("m", 300'000).value();
  const std::string content(200'000, 'x');
  REQUIRE(file->write(0, bytes_of(content)));
  const int descriptor = ::open((temp / "m.partial").c_str(), O_RDONLY);
  const auto done = file->copy_from(descriptor, 0, 100'000, 200'000);
  ::close(descriptor);
  REQUIRE(done);
  REQUIRE(output->commit());
  CHECK(read_file(temp / "m") == std::string(300'000, 'x'));
}
