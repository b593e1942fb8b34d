#include "tests/unit/host/support.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <array>
#include <cstdlib>

namespace fs = std::filesystem;
using heirloom::host::Candidate;
using heirloom::host::Host;
using heirloom::host::LoadOptions;
using heirloom::test::check_says;
using heirloom::test::host_with;
using heirloom::test::plugin_dir;
using heirloom::test::TempDirectory;
using heirloom::test::write_file;

TEST_CASE("a plugin that keeps the contract is loaded with its manifest") {
  const auto host = host_with({"toy"});
  REQUIRE(host->candidates().size() == 1);
  const Candidate& toy = host->candidates()[0];
  CHECK(toy.is_loaded);
  CHECK(toy.verdict == "loaded");
  CHECK(toy.path == plugin_dir("toy") / "toy.so");
  CHECK(toy.manifest.id == "org.example.toy");
  CHECK(toy.manifest.version == "1.2");
  CHECK(host->formats().size() == 1);
  CHECK(host->find_format("toy")->suffixes == std::vector<std::string>{".toy"});
  CHECK(host->find_format("gguf") == nullptr);
}

TEST_CASE("only formats that can be written are found by suffix, whatever the letters' case") {
  const auto host = host_with({"toy", "greedy"});
  CHECK(host->format_of_suffix("a.toy")->id == "toy");
  CHECK(host->format_of_suffix("A.TOY")->id == "toy");
  CHECK(host->format_of_suffix("a.greedy") == nullptr);
  CHECK(host->format_of_suffix("toy") == nullptr);
}

TEST_CASE("a library that is not loaded has the reason for it") {
  struct Row {
    const char* plugin;
    const char* verdict;
  };
  const std::array rows = {
      Row{"wrong_abi", "built for plugin ABI 99, this program has ABI 1"},
      Row{"no_symbol", "does not export heirloom_plugin_v1"},
      Row{"bad_manifest", "manifest: not a valid manifest buffer"},
      Row{"no_interfaces", "format \"toy\" is read, but the plugin has no heirloom.reader/1"},
      Row{"thrower", "threw an exception: not today"},
      Row{"unsafe", "--allow-unsafe"},
      Row{"none", "cannot list the directory: No such file or directory"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.plugin);
    const auto host = host_with({row.plugin});
    REQUIRE(host->candidates().size() == 1);
    CHECK_FALSE(host->candidates()[0].is_loaded);
    check_says(host->candidates()[0].verdict, row.verdict);
    CHECK(host->formats().empty());
  }
}

TEST_CASE("a plugin that may run code from files is loaded when the user allows it") {
  CHECK(host_with({"unsafe"}, true)->find_format("unsafe") != nullptr);
}

TEST_CASE("the first of two plugins with one id, or with one format, is the one that counts") {
  const auto host = host_with({"toy", "twin", "rival"});
  REQUIRE(host->candidates().size() == 3);
  CHECK(host->candidates()[0].is_loaded);
  CHECK(host->candidates()[1].is_duplicate);
  check_says(host->candidates()[1].verdict, "plugin id \"org.example.toy\" is loaded already from");
  check_says(host->candidates()[2].verdict, "format \"toy\" is offered already by plugin org.example.toy");
  CHECK(host_with({"rival", "toy"})->candidates()[0].is_loaded);
}

TEST_CASE("files that are no libraries are refused, and do not make the host wait") {
  const TempDirectory temp;
  write_file(temp / "a.so", "this is text");
  write_file(temp / "b.so", "");
  ::mkfifo((temp / "c.so").c_str(), 0600);
  fs::create_directory(temp / "d.so");
  write_file(temp / "notes.txt", "not looked at");
  fs::copy_file(plugin_dir("toy") / "toy.so", temp / "e.so");

  LoadOptions options{{temp.path()}, false, false};
  std::vector<std::string> lines;
  heirloom::base::Log log;
  log.line = [&](heirloom::base::Level, std::string_view line) { lines.emplace_back(line); };
  const auto host = Host::load(options, log);
  REQUIRE(host->candidates().size() == 5);
  check_says(host->candidates()[0].verdict, "not a loadable library");
  check_says(host->candidates()[1].verdict, "not a loadable library");
  CHECK(host->candidates()[2].verdict == "not a regular file");
  CHECK(host->candidates()[3].verdict == "not a regular file");
  CHECK(host->candidates()[4].is_loaded);
  CHECK(lines.size() == 4);
}

TEST_CASE("directories are looked at in order: named, environment, beside the program") {
  const std::string path = plugin_dir("toy").string() + "::" + plugin_dir("wrong_abi").string() + ":/none/at/all";
  ::setenv("HEIRLOOM_PLUGIN_PATH", path.c_str(), 1);
  LoadOptions options;
  options.plugin_dirs = {plugin_dir("greedy")};
  const auto host = Host::load(options, {});
  ::unsetenv("HEIRLOOM_PLUGIN_PATH");
  std::vector<std::string> names;
  for (const Candidate& candidate : host->candidates()) names.push_back(candidate.path.filename().string());
  REQUIRE(names.size() >= 5);
  names.resize(5);
  CHECK(names == std::vector<std::string>{"greedy.so", "toy.so", "wrong_abi.so", "all", "beside.so"});
  CHECK(host->find_format("beside") != nullptr);
}
