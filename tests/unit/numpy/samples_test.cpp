// Real files that are not ours, where they lie beside the repository.
#include "tests/unit/numpy/support.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

using heirloom::test::Bytes;
using heirloom::test::OpenFile;

TEST_CASE("every sample is read, or refused because a pickle is inside") {
  const std::filesystem::path folder = HEIRLOOM_SOURCE_DIR "/../shared/samples";
  if (!std::filesystem::is_directory(folder)) {
    std::cout << "skipped: 1 case, the samples are not here\n";
    return;
  }
  std::size_t read = 0, refused = 0;
  for (const char* part : {"numpy", "xformat-mtcnn"})
    for (const auto& entry : std::filesystem::directory_iterator(folder / part)) {
      const std::string name = entry.path().filename().string();
      if (!name.ends_with(".npy") && !name.ends_with(".npz"))
        continue;
      CAPTURE(name);
      std::ifstream stream(entry.path(), std::ios::binary);
      const OpenFile file(name, Bytes(std::istreambuf_iterator<char>(stream), {}));
      const bool has_pickle = name.find("objarr") != std::string::npos || std::string(part) == "xformat-mtcnn";
      CHECK(file.is_open() != has_pickle);
      if (!file.is_open())
        CHECK(file.error().message.find("pickled") != std::string::npos);
      ++(file.is_open() ? read : refused);
    }
  CHECK(read == 6);
  CHECK(refused == 9);
}
