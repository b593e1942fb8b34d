// Archives that other programs wrote, where they lie beside the repository.
#include "plugins/common/zip/archive.hpp"

#include "build_zip.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

using heirloom::test::Bytes;
using heirloom::test::MemoryHost;
using heirloom::zip::Archive;

TEST_CASE("archives of torch and NumPy open, every member's CRC is right, and torch's payloads are aligned") {
  const std::filesystem::path folder = HEIRLOOM_SOURCE_DIR "/../shared/samples";
  if (!std::filesystem::is_directory(folder)) {
    std::cout << "skipped: 1 case, the samples are not here\n";
    return;
  }
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string path = std::filesystem::relative(entry.path(), folder).string();
    if (!entry.is_regular_file() || path.ends_with(".distcp"))  // several archives, one after another
      continue;
    std::ifstream file(entry.path(), std::ios::binary);
    char start[4] = {};
    if (!file.read(start, 4) || std::string(start, 4) != "PK\x03\x04")
      continue;
    CAPTURE(path);
    file.seekg(0);
    const MemoryHost host({{"a", Bytes(std::istreambuf_iterator<char>(file), {})}});
    const auto archive = Archive::open(host.files(), "a");
    REQUIRE_MESSAGE(archive.has_value(), archive.error().message);
    for (const auto& member : archive->members()) {
      const auto read = archive->read(member, 1u << 30);
      CHECK_MESSAGE(read.has_value(), (member.name + ": " + read.error().message));
      if (path.starts_with("pytorch/") && !member.is_deflated)
        CHECK_MESSAGE(member.offset % 64 == 0, member.name);
    }
    ++count;
  }
  std::cout << count << " archives\n";
  CHECK(count > 50);
}
