#include "engine/base/directory_lock.hpp"

#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <future>
#include <optional>
#include <string>
#include <thread>

using namespace heirloom;
using base::DirectoryLock;

TEST_CASE("whoever comes second waits, says so, and goes on when the first is done, by the name of the directory or of a file in it") {
  const test::TempDirectory temp;
  for (const auto& path : {temp.path(), temp / "m.gguf"}) {
    auto first = std::make_optional(*DirectoryLock::of(path, {}));
    std::promise<std::string> said;
    base::Log log;
    log.line = [&](base::Level, std::string_view text) { said.set_value(std::string(text)); };
    std::future<bool> second = std::async(std::launch::async, [&] { return DirectoryLock::of(temp / "m.gguf", log).has_value(); });
    CHECK(said.get_future().get().find("waiting until it is done") != std::string::npos);
    CHECK(second.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
    first.reset();
    CHECK(second.get());
  }
}

TEST_CASE("a directory that cannot be opened is taken as unlocked") {
  const test::TempDirectory temp;
  CHECK(DirectoryLock::of(temp / "none/m.gguf", {}).has_value());
}
