// Writes a file of each of PyTorch's containers for heirloom-conform, without the plugin: write_torch_samples DIRECTORY.
#include "build_torch.hpp"

#include <filesystem>
#include <fstream>

namespace {

using namespace heirloom::test;
using namespace heirloom::test::pk;

bool write(const std::filesystem::path& path, const Bytes& content) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
  file.close();
  return file.good();
}

// A plain tensor, a transposed one, one of a deflated storage, metadata, and a foreign global.
Bytes zip_file() {
  ZipSpec spec = torch_zip(dict({{text("w"), tensor("FloatStorage", "0", 6, 0, {6}, {1})},
                                 {text("t"), tensor("FloatStorage", "0", 6, 0, {3, 2}, {1, 3})},
                                 {text("d"), tensor("HalfStorage", "1", 4, 1, {3}, {1})},
                                 {text("epoch"), integer(3)},
                                 {text("odd"), global("posix", "system")}}),
                           {{"0", floats({1, 2, 3, 4, 5, 6})}, {"1", Bytes(8, 1)}});
  spec.members[2].is_deflated = true;
  return build_zip(spec).bytes;
}

Bytes script_file() {
  ZipSpec spec = torch_zip(object("__torch__.net", "Net", dict({{text("w"), pair()}})), {{"0", floats({1, 2})}});
  spec.members.push_back({"archive/constants.pkl", bytes_of(pickle(tuple({pair()})))});
  spec.members.push_back({"archive/constants/0", floats({3, 4})});
  return build_zip(spec).bytes;
}

Bytes legacy_file() {
  const Opcodes stored = persistent(tuple({text("storage"), global("torch", "FloatStorage"), text("k"), text("cpu"), integer(4), none()}));
  return build_legacy(dict({{text("a"), rebuild(stored, 0, {2, 2}, {2, 1})}, {text("b"), rebuild(stored, 0, {2, 2}, {1, 2})}}),
                      {{"k", 4, floats({1, 2, 3, 4})}});
}

}  // namespace

int main(int count, char** words) {
  if (count != 2)
    return 2;
  const std::filesystem::path directory = words[1];
  std::filesystem::create_directories(directory);
  const bool is_written = write(directory / "zip.pt", zip_file()) && write(directory / "script.pt", script_file()) &&
                          write(directory / "legacy.pth", legacy_file()) && write(directory / "tar.pt", build_tar(tar_members()));
  return is_written ? 0 : 1;
}
