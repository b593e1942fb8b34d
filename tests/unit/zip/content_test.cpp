#include "plugins/common/zip/content.hpp"

#include "build_zip.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <random>
#include <thread>

using heirloom::test::build_zip;
using heirloom::test::Bytes;
using heirloom::test::MemoryHost;
using heirloom::test::ZipSpec;
using heirloom::zip::Archive;
using heirloom::zip::Content;

namespace {

// 9 MiB that deflate to about half, so that several marks are left.
Bytes large_content() {
  Bytes all(9u << 20);
  std::mt19937 random(7);
  for (auto& byte : all)
    byte = static_cast<std::uint8_t>(random() % 16);
  return all;
}

struct Fixture {
  Bytes content = large_content();
  MemoryHost host{{{"a.zip", build_zip({{{"large", content, true}, {"plain", content}}}).bytes}}};
  Archive archive = Archive::open(host.files(), "a.zip").value();

  Content open(const char* name) const { return Content(archive, *archive.find(name)); }
  bool reads(const Content& from, std::uint64_t offset, std::uint64_t size) const {
    Bytes out(size);
    const auto read = from.read(offset, out);
    return read && std::equal(out.begin(), out.end(), content.begin() + static_cast<std::ptrdiff_t>(offset));
  }
};

}  // namespace

TEST_CASE("content is the same from front to back, backwards and at random") {
  const Fixture fixture;
  const std::uint64_t size = fixture.content.size(), step = 700'001;
  for (const char* name : {"large", "plain"}) {
    CAPTURE(name);
    const Content forwards = fixture.open(name);
    CHECK(forwards.size() == size);
    for (std::uint64_t at = 0; at < size; at += step)
      CHECK(fixture.reads(forwards, at, std::min(step, size - at)));
    for (std::uint64_t at = size; at > step; at -= step)
      CHECK(fixture.reads(forwards, at - step, step));
    const Content at_random = fixture.open(name);
    std::mt19937 random(11);
    for (int i = 0; i < 60; ++i) {
      const std::uint64_t at = random() % size;
      CHECK(fixture.reads(at_random, at, std::min<std::uint64_t>(random() % 300'000, size - at)));
    }
    CHECK(fixture.reads(at_random, size, 0));
  }
}

TEST_CASE("a read across the front gives both parts") {
  const Fixture fixture;
  const Content content = fixture.open("large");
  CHECK(fixture.reads(content, 0, 1'000'000));
  CHECK(fixture.reads(content, 999'000, 500'000));
  CHECK(fixture.reads(content, 0, 3'000'000));
}

TEST_CASE("many threads read one content at once") {
  const Fixture fixture;
  const Content content = fixture.open("large");
  std::atomic<std::uint64_t> next = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  const std::uint64_t step = 200'003;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (std::uint64_t at = next++ * step; at < fixture.content.size(); at = next++ * step)
        if (!fixture.reads(content, at, std::min<std::uint64_t>(step, fixture.content.size() - at)))
          ++wrong;
    });
  for (std::thread& thread : threads)
    thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("a read past the end of the content is refused") {
  const Fixture fixture;
  Bytes out(2);
  for (const char* name : {"large", "plain"}) {
    const auto read = fixture.open(name).read(fixture.content.size() - 1, out);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == heirloom::Code::misuse);
  }
}

TEST_CASE("the read that reaches the end finds a wrong CRC") {
  auto built = build_zip({{{"a", Bytes(100'000, 'a'), true}}});
  built.bytes[built.at["local:a"] + 14] ^= 1;
  built.bytes[built.at["entry:a"] + 16] ^= 1;
  const MemoryHost host({{"a.zip", built.bytes}});
  const Archive archive = Archive::open(host.files(), "a.zip").value();
  const Content content(archive, archive.members()[0]);
  Bytes out(50'000);
  CHECK(content.read(0, out));
  const auto last = content.read(50'000, out);
  REQUIRE_FALSE(last);
  CHECK(last.error().message.find("CRC-32") != std::string::npos);
}
