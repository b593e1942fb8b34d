// Real files that are not ours, where they lie beside the repository.
#include "support.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

using heirloom::test::Bytes;
using heirloom::test::fault_of;
using heirloom::test::FileMap;
using heirloom::test::options;
using heirloom::test::read_model;
using heirloom::test::rewrite;

namespace {

Bytes load(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

TEST_CASE("every sample is read and written again to the same bytes, or refused for the right reason") {
  const std::filesystem::path folder = HEIRLOOM_SOURCE_DIR "/../shared/samples/gguf";
  if (!std::filesystem::is_directory(folder)) {
    std::cout << "skipped: 1 case, the samples are not here\n";
    return;
  }
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    CAPTURE(name);
    const FileMap files = {{name, load(entry.path())}};
    const auto read = read_model(files, name);
    ++count;
    if (name == "weight-inspect_tiny.gguf") {  // its table promises a tensor, but there is no data
      REQUIRE_FALSE(read);
      CHECK(read.error().code == heirloom::Code::malformed);
      CHECK(read.error().message.find("ends before its data") != std::string::npos);
      CHECK(read.error().position == 122);
      continue;
    }
    REQUIRE_MESSAGE(read.has_value(), read.error().message);
    CHECK(fault_of(*read, files) == "");
    CHECK(find_attr(read->attrs, "general.architecture") != nullptr);
    CHECK(read->warnings.empty());
    CHECK(rewrite(files, name, options(name)).value() == files);
  }
  CHECK(count == 7);
}
